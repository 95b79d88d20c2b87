// An application with the TypeScript SDK in it. What it is told comes in as lines of JSON, and what
// the SDK shows of each goes out as one: its result, or its error as an application would catch it.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const told = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value ?? '{"do":"leave"}');
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const load = (path) => import(pathToFileURL(`${told.modules}/@modelcontextprotocol/${path}`).href);

const sdks = {
  async client() {
    return load("client/dist/index.mjs");
  },
  async sdk() {
    const [client, transport] = await Promise.all([
      load("sdk/dist/esm/client/index.js"),
      load("sdk/dist/esm/client/streamableHttp.js"),
    ]);
    return { ...client, ...transport };
  },
};
const { Client, StreamableHTTPClientTransport } = await sdks[told.sdk]();

const kept = {};
const provider = {
  redirectUrl: "http://127.0.0.1:43198/callback",
  get clientMetadata() {
    return { redirect_uris: [this.redirectUrl], client_name: "A host in TypeScript" };
  },
  clientInformation: () => ({ client_id: told.clientId, issuer: told.issuer }),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (url) => say({ browser: url.href }),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (found) => void (kept.discovered = found),
  discoveryState: () => kept.discovered,
};

const requests = [];
const noting = async (url, init) => {
  const answer = await fetch(url, init);
  requests.push([init?.method ?? "GET", new URL(url).pathname, answer.status]);
  return answer;
};

const transport = () =>
  new StreamableHTTPClientTransport(new URL(told.url), {
    fetch: noting,
    ...(told.bearer
      ? { requestInit: { headers: { authorization: `Bearer ${told.bearer}` } } }
      : { authProvider: provider }),
  });
const options = told.mode ? { versionNegotiation: { mode: told.mode } } : {};
const info = { name: "host", version: "1" };
let client = new Client(info, options);

async function connect() {
  const first = transport();
  try {
    await client.connect(first);
  } catch (error) {
    if (error.constructor.name !== "UnauthorizedError" || told.bearer) throw error;
    const back = await next();
    await first.finishAuth(told.sdk === "sdk" ? back.code : new URLSearchParams(back));
    client = new Client(info, options);
    await client.connect(transport());
  }
  return { server: client.getServerVersion(), capabilities: client.getServerCapabilities() };
}

// a page of the gateway's list is one server's
async function everyResource() {
  const resources = [];
  let cursor;
  do {
    const page = await client.listResources(cursor ? { cursor } : undefined);
    resources.push(...page.resources);
    cursor = page.nextCursor;
  } while (cursor);
  return { resources };
}

const running = {};
const call = ({ name, arguments: args }, more) =>
  told.sdk === "sdk"
    ? client.callTool({ name, arguments: args }, undefined, more)
    : client.callTool({ name, arguments: args }, more);
const acts = {
  connect,
  tools: () => client.listTools(),
  prompts: () => client.listPrompts(),
  prompt: ({ name, arguments: args }) => client.getPrompt({ name, arguments: args }),
  resources: everyResource,
  read: ({ uri }) => client.readResource({ uri }),
  call: (one) => call(one),
  start: (one) => {
    running.stop = new AbortController();
    running.call = call(one, { signal: running.stop.signal }).then(
      (result) => ({ result }),
      (error) => ({ error: shown(error) }),
    );
    return {};
  },
  abort: async () => {
    running.stop.abort("the person pressed stop");
    return running.call;
  },
  requests: () => requests.splice(0),
};

function shown(error) {
  const { code, message, data, status } = error;
  return { kind: error.constructor.name, code, message, data, status };
}

for (let one = await next(); one.do !== "leave"; one = await next()) {
  try {
    say({ result: await acts[one.do](one) });
  } catch (error) {
    say({ error: shown(error) });
  }
}
await client.close();
process.exit(0);
