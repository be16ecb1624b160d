// @azure/identity: ask for tokens for so many seconds, and print each different one.
const { DefaultAzureCredential, ManagedIdentityCredential } = require("@azure/identity");

const SCOPE = "https://storage.azure.com/.default";

async function main(seconds) {
  const credentials = [new DefaultAzureCredential(), new ManagedIdentityCredential()];
  const seen = new Set();
  const end = Date.now() + 1000 * seconds;
  while (Date.now() < end) {
    for (const credential of credentials) {
      const { token, expiresOnTimestamp } = await credential.getToken(SCOPE);
      if (expiresOnTimestamp < Date.now()) throw new Error("an expired token");
      seen.add(token);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  console.log([...seen].join("\n"));
}

main(Number(process.argv[2])).catch((error) => {
  console.error(String(error));
  process.exit(1);
});
