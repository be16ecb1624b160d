// One of @azure/identity's credentials, as the command line describes it.
"use strict";

const {
  DeviceCodeCredential,
  InteractiveBrowserCredential,
  UsernamePasswordCredential,
} = require("@azure/identity");

const AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

const WAYS = {
  // The person is scripted and sits elsewhere; who runs the program sees what they are told.
  device_code: (tenantId, authorityHost) =>
    new DeviceCodeCredential({
      tenantId,
      authorityHost,
      userPromptCallback: ({ message }) => process.stderr.write(`${message}\n`),
    }),
  browser: (tenantId) => new InteractiveBrowserCredential({ tenantId }),
  password: (tenantId, username, password) =>
    new UsernamePasswordCredential(tenantId, AZURE_CLI, username, password),
};

exports.credential = ([way, ...words]) => WAYS[way](...words);
