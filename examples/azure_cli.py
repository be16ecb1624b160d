"""Use the Azure CLI's sign-in (``az login``) on this machine; nobody is asked.

AzureCredential(credential) makes a strategy of any azure-core credential.
This example needs azure-identity: pip install 'adls-enduser[identity]'
"""

from azure.datalake.store import core
from azure.identity import AzureCliCredential
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient

from adls_enduser import AzureCredential, filesystem_token, management_credentials

TENANT = "contoso.onmicrosoft.com"
SUBSCRIPTION_ID = "c0ffee00-7e57-4c0a-9d0a-00000000beef"
STORE = "mystore"

credentials = management_credentials(mode="azure_cli", tenant=TENANT)
client = DataLakeStoreAccountManagementClient(credentials, SUBSCRIPTION_ID)
print("Signed in as", credentials.whoami().username)
print(*(account.name for account in client.accounts.list()))

strategy = AzureCredential(AzureCliCredential(tenant_id=TENANT))
filesystem = core.AzureDLFileSystem(filesystem_token(mode=strategy), store_name=STORE)
print(filesystem.ls("/"))
