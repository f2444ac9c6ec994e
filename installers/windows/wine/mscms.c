/* For tests under Wine only: color management functions that Qt's window plugin imports and Wine 10's
 * mscms.dll has not. No screen has a profile. */

#define EXPORT __declspec(dllexport)
#define NOTHING(name) EXPORT void *name(void) { return 0; }

NOTHING(CloseColorProfile)
NOTHING(GetColorDirectoryW)
NOTHING(OpenColorProfileW)
NOTHING(WcsCreateIccProfile)
NOTHING(WcsGetDefaultColorProfile)
NOTHING(WcsGetDefaultColorProfileSize)
NOTHING(WcsGetUsePerUserProfiles)
NOTHING(WcsOpenColorProfileW)
