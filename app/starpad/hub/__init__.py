"""What talks to a Hugging Face hub: search, listing, sign-in and trustworthy downloads."""

import os

# huggingface_hub reads these when it is imported, so they are set before any module here can.
os.environ |= {
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # a token goes where it was saved for, nowhere else
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # a windowed app has no stderr to draw them on
    "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_XET": "1",  # plain HTTP can be stopped, resumed and checked
    "HF_HUB_VERBOSITY": "error",  # its warnings hold addresses
}
