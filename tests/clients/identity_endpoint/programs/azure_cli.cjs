// @azure/identity: ask its AzureCliCredential for tokens, and print each different one.
const { AzureCliCredential } = require("@azure/identity");

const SCOPE = "https://storage.azure.com/.default";

async function main(seconds) {
  const credential = new AzureCliCredential();
  const seen = new Set();
  const end = Date.now() + 1000 * seconds;
  while (Date.now() < end) {
    const { token, expiresOnTimestamp } = await credential.getToken(SCOPE);
    if (expiresOnTimestamp < Date.now()) throw new Error("an expired token");
    seen.add(token);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  console.log([...seen].join("\n"));
}

main(Number(process.argv[2])).catch((error) => {
  console.error(String(error));
  process.exit(1);
});
