; The set-up program for one Windows user: no administrator, no file association is taken over.
; build_windows.py compiles it and defines VERSION, BUNDLE (the frozen folder), OUT and ICON, and
; where it has them NOTICES (a text to lie beside the programs) and TARGET (a 64-bit set-up program).
;
;   Starpad-x.y.z-setup.exe /S [/D=C:\folder]   without questions; ends with 2 while Starpad runs
;   uninstall.exe /S [/REMOVEDATA]              /REMOVEDATA: models, conversations and settings, too
Unicode true
!ifdef TARGET
  Target ${TARGET}
!endif
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "MUI2.nsh"
!include "Sections.nsh"
!include "WinVer.nsh"
!include "x64.nsh"

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Starpad"
!define APP_PATH "Software\Microsoft\Windows\CurrentVersion\App Paths\starpad.exe"
!define CLASSES "Software\Classes"
!define OPEN_WITH_TEXT "${CLASSES}\SystemFileAssociations\text\OpenWithList\starpad.exe"
; The folder of platformdirs.user_data_path("starpad", appauthor=False); settings and logs lie in it.
!define DATA "$LOCALAPPDATA\starpad"

Name "Starpad"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Starpad"
InstallDirRegKey HKCU "Software\Starpad" "InstallDir"
RequestExecutionLevel user
ManifestDPIAware true
SetCompressor /SOLID lzma
SetCompressorDictSize 64
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "Starpad"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "CompanyName" "The Starpad authors"
VIAddVersionKey "FileDescription" "Starpad setup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "The Starpad authors; Apache License 2.0"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "wizard.bmp" ; the icon on a plain ground, 164 by 314
!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN "$INSTDIR\starpad.exe"
!define MUI_COMPONENTSPAGE_SMALLDESC
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!define MUI_PAGE_HEADER_TEXT "Uninstall Starpad"
!define MUI_PAGE_HEADER_SUBTEXT "Choose whether what you made with it goes, too."
!define MUI_COMPONENTSPAGE_TEXT_TOP "Models, conversations and settings stay unless you check the second line."
!define MUI_COMPONENTSPAGE_TEXT_COMPLIST "What to delete:"
!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; Windows lets nobody write to a program that runs; a program that is not there yet may be written.
!macro WaitUntilClosed PROGRAM WHAT
  ${Do}
    ${IfNot} ${FileExists} "$INSTDIR\${PROGRAM}"
      ${ExitDo}
    ${EndIf}
    ClearErrors
    FileOpen $0 "$INSTDIR\${PROGRAM}" a
    ${IfNot} ${Errors}
      FileClose $0
      ${ExitDo}
    ${EndIf}
    ${If} ${Cmd} `MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "${WHAT}$\r$\n$\r$\nThen choose Retry." /SD IDCANCEL IDCANCEL`
      SetErrorLevel 2
      Quit
    ${EndIf}
  ${Loop}
!macroend
!define CLOSE_WINDOW "Starpad is running. Save your work and close its window."
!define CLOSE_ENGINE "A part of Starpad is still running, perhaps $\"starpad serve$\" in a console. End it."

Function .onInit
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin10}
  ${OrIfNot} ${AtLeastBuild} 18362
    MessageBox MB_OK|MB_ICONSTOP "Starpad needs 64-bit Windows 10, version 1903, or newer." /SD IDOK
    SetErrorLevel 3
    Quit
  ${EndIf}
FunctionEnd

Section "Starpad"
  !insertmacro WaitUntilClosed "starpad.exe" "${CLOSE_WINDOW}"
  !insertmacro WaitUntilClosed "starpad-engine.exe" "${CLOSE_ENGINE}"
  RMDir /r "$INSTDIR\_internal" ; libraries of an older version would be loaded
  SetOutPath "$INSTDIR"
  File /r "${BUNDLE}/*"
!ifdef NOTICES
  File "/oname=THIRD_PARTY_NOTICES.txt" "${NOTICES}"
!endif
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\Starpad.lnk" "$INSTDIR\starpad.exe"

  WriteRegStr HKCU "Software\Starpad" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "${APP_PATH}" "" "$INSTDIR\starpad.exe"
  ; One among others in "Open with": what opens a file at a double click stays as it is.
  WriteRegStr HKCU "${CLASSES}\Applications\starpad.exe" "FriendlyAppName" "Starpad"
  WriteRegStr HKCU "${CLASSES}\Applications\starpad.exe\shell\open\command" "" '"$INSTDIR\starpad.exe" "%1"'
  WriteRegStr HKCU "${OPEN_WITH_TEXT}" "" ""
  WriteRegStr HKCU "${CLASSES}\Starpad.gguf" "" "GGUF model"
  WriteRegStr HKCU "${CLASSES}\Starpad.gguf\DefaultIcon" "" "$INSTDIR\starpad.exe,0"
  WriteRegStr HKCU "${CLASSES}\Starpad.gguf\shell\open\command" "" '"$INSTDIR\starpad.exe" "%1"'
  WriteRegStr HKCU "${CLASSES}\.gguf\OpenWithProgids" "Starpad.gguf" ""

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Starpad"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\starpad.exe"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Starpad authors"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" $0
  ${RefreshShellIcons}
SectionEnd

Section "un.Starpad"
  SectionIn RO
  !insertmacro WaitUntilClosed "starpad.exe" "${CLOSE_WINDOW}"
  !insertmacro WaitUntilClosed "starpad-engine.exe" "${CLOSE_ENGINE}"
  Delete "$SMPROGRAMS\Starpad.lnk"
  RMDir /r "$INSTDIR\_internal"
  Delete "$INSTDIR\starpad.exe"
  Delete "$INSTDIR\starpad-engine.exe"
  Delete "$INSTDIR\THIRD_PARTY_NOTICES.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR" ; only if nothing else lies there

  DeleteRegKey HKCU "${APP_PATH}"
  DeleteRegKey HKCU "${CLASSES}\Applications\starpad.exe"
  DeleteRegKey HKCU "${OPEN_WITH_TEXT}"
  DeleteRegKey HKCU "${CLASSES}\Starpad.gguf"
  ; These may be other programs' too: what is ours goes, and what is empty then.
  DeleteRegValue HKCU "${CLASSES}\.gguf\OpenWithProgids" "Starpad.gguf"
  DeleteRegKey /ifempty HKCU "${CLASSES}\.gguf\OpenWithProgids"
  DeleteRegKey /ifempty HKCU "${CLASSES}\.gguf"
  DeleteRegKey /ifempty HKCU "${CLASSES}\SystemFileAssociations\text\OpenWithList"
  DeleteRegKey /ifempty HKCU "${CLASSES}\SystemFileAssociations\text"
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "Software\Starpad"
  ${RefreshShellIcons}
SectionEnd

Section /o "un.Also delete my models, conversations and settings" RemoveData
  RMDir /r "${DATA}"
  ; The access token of the last hub and the key of the last server, in the Credential Manager.
  System::Call 'advapi32::CredDeleteW(w "Starpad", i 1, i 0)'
  System::Call 'advapi32::CredDeleteW(w "Starpad remote servers", i 1, i 0)'
SectionEnd

!insertmacro MUI_UNFUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${RemoveData} "Deletes ${DATA} for good, with all models in it. Models in other folders stay."
!insertmacro MUI_UNFUNCTION_DESCRIPTION_END

Function un.onInit
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/REMOVEDATA" $1
  ${IfNot} ${Errors}
    !insertmacro SelectSection ${RemoveData}
  ${EndIf}
FunctionEnd
