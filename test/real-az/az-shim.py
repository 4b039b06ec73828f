# Starts Azure CLI 2.45 as Debian packages it, and mends where its parts do not fit together: the CLI asks for network
# models of a version that Debian's SDK lacks. Nothing that goes over the wire changes. Run it with the system's python3.

import os
import runpy
import sys

os.environ.setdefault("AZ_INSTALLER", "DEB")

from azure.cli.core.profiles import _shared as profiles

# The network commands of this release carry their own api-versions; the models are only looked up when they load.
profiles.AZURE_API_PROFILES["latest"][profiles.ResourceType.MGMT_NETWORK] = "2022-07-01"

sys.argv[0] = "az"
runpy.run_module("azure.cli", run_name="__main__", alter_sys=True)
