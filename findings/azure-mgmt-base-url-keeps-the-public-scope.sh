#!/usr/bin/env bash
# azure-mgmt-storage: base_url= names another cloud's host, and the token is still the public one's.
#
# Versions: azure-mgmt-storage 25.3.0 and azure-mgmt-resource 26.0.0 with azure-core 1.41.0 and
# azure-mgmt-core 1.6.0, on CPython 3.11.7.
# Guess before the first run: the scope follows the host, so base_url= of China's Resource Manager
# is all that a program for that cloud must set, as it was with the older generation, where the
# credential alone knew the audience.
# Seen: base_url= moves the requests only. The credential is asked for the public cloud's scope, and
# a token for it is not issued in China's cloud, so the sign-in fails, not the request.
# cloud_setting= moves both. credential_scopes= beside base_url= does so for a cloud of one's own.
# Output seen:
#   storage, default: https://management.azure.com/.default
#   storage, base_url: https://management.azure.com/.default
#   storage, cloud_setting: https://management.chinacloudapi.cn/.default
#   resource, default: https://management.azure.com/.default
#   resource, base_url: https://management.azure.com/.default
#   resource, cloud_setting: https://management.chinacloudapi.cn/.default
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check azure-mgmt-storage==25.3.0 azure-mgmt-resource==26.0.0 azure-core==1.41.0 azure-mgmt-core==1.6.0 2>/dev/null
cat > "$folder/program.py" <<'PY'
from azure.core import AzureClouds
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
CHOICES = {
    "default": {},
    "base_url": {"base_url": "https://management.chinacloudapi.cn"},
    "cloud_setting": {"cloud_setting": AzureClouds.AZURE_CHINA_CLOUD},
}


class Asked(Exception):
    """Ends the call before anything is sent."""


class Credential:
    """Tells which scope it is asked for."""

    def get_token(self, *scopes, **options):
        raise Asked(*scopes)


def scope(client, list_all):
    try:
        list(list_all(client))
    except Asked as asked:
        return str(asked)


for name, kind, list_all in (
    ("storage", StorageManagementClient, lambda client: client.storage_accounts.list()),
    ("resource", ResourceManagementClient, lambda client: client.resource_groups.list()),
):
    for choice, options in CHOICES.items():
        print(f"{name}, {choice}: {scope(kind(Credential(), SUBSCRIPTION, **options), list_all)}")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
printf '%s\n' "$seen"
[ "$seen" = "storage, default: https://management.azure.com/.default
storage, base_url: https://management.azure.com/.default
storage, cloud_setting: https://management.chinacloudapi.cn/.default
resource, default: https://management.azure.com/.default
resource, base_url: https://management.azure.com/.default
resource, cloud_setting: https://management.chinacloudapi.cn/.default" ]
