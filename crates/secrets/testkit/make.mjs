// Makes the cases in items/ with implementations that share nothing with narae-secrets. Run here:
//
//   npm install --ignore-scripts --no-save --prefix /tmp/npm @socialgouv/aes-gcm-rsa-oaep@1.1.4
//   NODE_PATH=/tmp/npm/node_modules node make.mjs      with openssl and kubeseal 0.40 on PATH
//
// Sealing is random: each run makes other items, with the same outcomes.
import { execFileSync } from "node:child_process";
import { createCipheriv, createHash, createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const scratch = mkdtempSync(join(tmpdir(), "items-"));
const sizes = [2048, 3072, 4096];
const scopes = ["strict", "namespace-wide", "cluster-wide"];
const label = (scope, namespace = "shop", name = "db") =>
  ({ strict: `${namespace}/${name}`, "namespace-wide": namespace, "cluster-wide": "" })[scope];
const strict = label("strict");
const pem = (bits) => readFileSync(`keys/${bits}.crt.pem`, "utf8");

function write(name, fields) {
  const all = { scope: "strict", namespace: "shop", name: "db", key: 2048, value: "", ...fields };
  if (Buffer.isBuffer(all.item)) all.item = all.item.toString("base64");
  if (Buffer.isBuffer(all.value)) all.value = all.value.toString("hex");
  const order = ["about", "maker", "expect", "scope", "namespace", "name", "key", "value", "session-key", "seed", "item"];
  const lines = order.filter((key) => key in all).map((key) => `${key}: ${JSON.stringify(all[key])}\n`);
  writeFileSync(`items/${name}.yaml`, lines.join(""));
}

// --- openssl wraps the session key, node encrypts

function frame(wrapped, sessionKey, value) {
  const cipher = createCipheriv(`aes-${sessionKey.length * 8}-gcm`, sessionKey, Buffer.alloc(12));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(wrapped.length);
  return Buffer.concat([length, wrapped, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

function wrap(sessionKey, bits, label, hash = "sha256") {
  const input = join(scratch, "session.key");
  writeFileSync(input, sessionKey);
  const options = ["rsa_padding_mode:oaep", `rsa_oaep_md:${hash}`, `rsa_mgf1_md:${hash}`];
  if (label) options.push("rsa_oaep_label:" + Buffer.from(label).toString("hex"));
  const args = ["pkeyutl", "-encrypt", "-certin", "-inkey", `keys/${bits}.crt.pem`, "-in", input];
  return execFileSync("openssl", [...args, ...options.flatMap((o) => ["-pkeyopt", o])]);
}

function seal(value, bits, label, keyBytes = 32) {
  const sessionKey = randomBytes(keyBytes);
  return frame(wrap(sessionKey, bits, label), sessionKey, value);
}

const node = { maker: "openssl 3 and node" };
const good = (name, about, fields) => write(name, { about, ...node, expect: "opens", ...fields });
const bad = (name, expect, about, item, fields = {}) => write(name, { about, ...node, expect, item, ...fields });

const value = Buffer.from("hünter2");
for (const bits of sizes)
  good(`strict-${bits}`, `a key of ${bits} bits`, { key: bits, value, item: seal(value, bits, strict) });
for (const scope of scopes.slice(1))
  good(scope, `scope ${scope}`, { scope, value, item: seal(value, 2048, label(scope)) });
good("empty-value", "an empty value", { item: seal(Buffer.alloc(0), 2048, strict) });
const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
good("binary-value", "every byte there is", { value: binary, item: seal(binary, 2048, strict) });

const item = seal(value, 2048, strict);
const text = item.toString("base64");
bad("newlines", "opens-not-canonical", "base64 broken into lines, as Go reads it", text.replace(/(.{76})/g, "$1\r\n") + "\n", { value });
// 2 + 256 + n + 16 bytes: with n = 3 one base64 character carries two stray bits.
const stray = seal(Buffer.from("abc"), 2048, strict).toString("base64");
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const at = stray.indexOf("=") - 1;
const last = alphabet[alphabet.indexOf(stray[at]) + 1];
const trailing = stray.slice(0, at) + last + stray.slice(at + 1);
bad("trailing-bits", "opens-not-canonical", "bits set after the last byte, which Go ignores", trailing, { value: Buffer.from("abc") });

bad("wrong-name", "refused", "a strict item under another name", item, { name: "other" });
bad("wrong-namespace", "refused", "a strict item in another namespace", item, { namespace: "other" });
bad("wrong-scope", "refused", "a strict item said to be cluster-wide", item, { scope: "cluster-wide" });
bad("narrower-scope", "refused", "a cluster-wide item said to be strict", seal(value, 2048, ""));
bad("wrong-key-size", "refused", "an item for a key of another size", item, { key: 4096 });
bad("wrong-key", "refused", "an item for another key of the same size", ofAnotherKey());
bad("oaep-sha1", "refused", "OAEP with SHA-1, the default of many libraries", (() => {
  const sessionKey = randomBytes(32);
  return frame(wrap(sessionKey, 2048, strict, "sha1"), sessionKey, value);
})());
bad("session-key-16", "refused", "AES-128: upstream would open it, no tool makes it", seal(value, 2048, strict, 16));
const flip = (at) => {
  const changed = Buffer.from(item);
  changed[at] ^= 1;
  return changed;
};
bad("changed-wrapped-key", "refused", "one bit of the wrapped key changed", flip(100));
bad("changed-ciphertext", "refused", "one bit of the ciphertext changed", flip(2 + 256));
bad("changed-tag", "refused", "one bit of the tag changed", flip(item.length - 1));
bad("one-byte-more", "refused", "a byte after the tag", Buffer.concat([item, Buffer.from([0])]));
const lengthOf = (length) => Buffer.concat([Buffer.from([length >> 8, length & 255]), item.subarray(2)]);
bad("length-short", "refused", "the length is one less than the wrapped key", lengthOf(255));
bad("length-little-endian", "refused", "the length in the wrong byte order", lengthOf(1));
bad("length-zero", "refused", "the length is zero", lengthOf(0));
bad("length-long", "truncated", "the length is more than there is", lengthOf(65535));
bad("truncated-tag", "truncated", "one byte less than an empty value needs", item.subarray(0, 2 + 256 + 15));
bad("truncated-length", "truncated", "half of the length", item.subarray(0, 1));
bad("nothing", "truncated", "no bytes at all", "");
bad("no-padding", "not-base64", "base64 without its padding", stray.replace(/=+$/, ""));
bad("url-safe", "not-base64", "the URL-safe alphabet", "-_" + text.slice(2));
bad("space", "not-base64", "a space within", text.slice(0, 8) + " " + text.slice(8));

function ofAnotherKey() {
  const file = (name) => join(scratch, name);
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/", "-days", "1"];
  execFileSync("openssl", [...args, "-keyout", file("other.key"), "-out", file("other.crt")], { stdio: "ignore" });
  return kubeseal(value, "strict", file("other.crt"));
}

// --- kubeseal itself

function kubeseal(value, scope, certificate) {
  const args = ["--raw", "--scope", scope, "--name", "db", "--namespace", "shop", "--cert", certificate];
  return execFileSync("kubeseal", args, { input: value }).toString();
}

for (const scope of scopes) {
  const fields = { maker: "kubeseal 0.40.0", expect: "opens", key: 4096, scope, value };
  write(`kubeseal-${scope}`, { about: `scope ${scope}`, ...fields, item: kubeseal(value, scope, "keys/4096.crt.pem") });
}

// --- npm: WebCrypto

const { encryptValue } = createRequire(import.meta.url)("@socialgouv/aes-gcm-rsa-oaep");
for (const scope of scopes) {
  const theirs = scope.replace("-wide", "");
  const fields = { maker: "npm @socialgouv/aes-gcm-rsa-oaep 1.1.4", expect: "opens", key: 4096, scope, value };
  const item = await encryptValue({ pemKey: pem(4096), scope: theirs, namespace: "shop", name: "db", value: value.toString() });
  write(`npm-${scope}`, { about: `scope ${scope}`, ...fields, item });
}

// --- known answer: OAEP of RFC 8017, 7.1.1, with big integers

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const xor = (a, b) => a.map((byte, i) => byte ^ b[i]);

function mgf1(seed, length) {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(i);
    return sha256(Buffer.concat([seed, counter]));
  });
  return Buffer.concat(blocks).subarray(0, length);
}

function knownWrap(sessionKey, seed, bits, label) {
  const { n, e } = createPublicKey(new X509Certificate(pem(bits)).publicKey.export({ type: "spki", format: "pem" })).export({ format: "jwk" });
  const number = (bytes) => BigInt("0x" + bytes.toString("hex"));
  const size = bits / 8;
  const padding = Buffer.alloc(size - sessionKey.length - 66);
  const block = Buffer.concat([sha256(Buffer.from(label)), padding, Buffer.from([1]), sessionKey]);
  const maskedBlock = xor(block, mgf1(seed, block.length));
  const maskedSeed = xor(seed, mgf1(maskedBlock, 32));
  const modulus = number(Buffer.from(n, "base64url"));
  let base = number(Buffer.concat([Buffer.from([0]), maskedSeed, maskedBlock]));
  let result = 1n;
  for (let exponent = number(Buffer.from(e, "base64url")); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return Buffer.from(result.toString(16).padStart(2 * size, "0"), "hex");
}

for (const bits of sizes) {
  const [sessionKey, seed] = [0, 32].map((from) => Buffer.from(Array.from({ length: 32 }, (_, i) => from + i)));
  const known = frame(knownWrap(sessionKey, seed, bits, strict), sessionKey, value);
  const about = "made with the randomness that is given";
  const fields = { "session-key": sessionKey.toString("hex"), seed: seed.toString("hex") };
  write(`known-answer-${bits}`, { about, maker: "node, big integers", expect: "opens", key: bits, value, ...fields, item: known });
}
rmSync(scratch, { recursive: true });
