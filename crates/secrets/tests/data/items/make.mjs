// Makes the cases of this directory with openssl (RSA-OAEP) and node (AES-256-GCM): two
// implementations that share nothing with this crate. Run here: node make.mjs
// The keys in ../keys are thrown away: made for these tests, used nowhere else.
import { execFileSync } from "node:child_process";
import { createCipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const scratch = mkdtempSync(join(tmpdir(), "items-"));

function wrap(sessionKey, bits, label) {
  const input = join(scratch, "session.key");
  writeFileSync(input, sessionKey);
  const options = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"];
  if (label) options.push("rsa_oaep_label:" + Buffer.from(label).toString("hex"));
  const args = ["pkeyutl", "-encrypt", "-certin", "-inkey", `../keys/${bits}.crt`, "-in", input];
  return execFileSync("openssl", [...args, ...options.flatMap((o) => ["-pkeyopt", o])]);
}

function seal(value, bits, label, keyBytes = 32) {
  const sessionKey = randomBytes(keyBytes);
  const wrapped = wrap(sessionKey, bits, label);
  const cipher = createCipheriv(`aes-${keyBytes * 8}-gcm`, sessionKey, Buffer.alloc(12));
  const sealed = Buffer.concat([cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(wrapped.length);
  return Buffer.concat([length, wrapped, sealed]);
}

function write(name, fields) {
  const all = { scope: "strict", namespace: "shop", name: "db", key: 2048, value: "", ...fields };
  if (Buffer.isBuffer(all.item)) all.item = all.item.toString("base64");
  if (Buffer.isBuffer(all.value)) all.value = all.value.toString("hex");
  const lines = Object.entries(all).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  writeFileSync(name + ".yaml", lines.join(""));
}

const value = Buffer.from("hünter2");
const strict = "shop/db";
for (const bits of [2048, 3072, 4096]) {
  write(`strict-${bits}`, { expect: "opens", key: bits, value, item: seal(value, bits, strict) });
}
const wide = { expect: "opens", value };
write("namespace-wide", { ...wide, scope: "namespace-wide", item: seal(value, 2048, "shop") });
write("cluster-wide", { ...wide, scope: "cluster-wide", item: seal(value, 2048, "") });
write("empty-value", { expect: "opens", value: Buffer.alloc(0), item: seal(Buffer.alloc(0), 2048, strict) });
const binary = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
write("binary-value", { expect: "opens", value: binary, item: seal(binary, 2048, strict) });

const good = seal(value, 2048, strict);
const text = good.toString("base64");
write("newlines", { expect: "opens-not-canonical", value, item: text.replace(/(.{76})/g, "$1\r\n") + "\n" });
// 2 + 256 + n + 16 bytes: with n = 3 one base64 character carries two stray bits.
const stray = seal(Buffer.from("abc"), 2048, strict).toString("base64");
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const at = stray.indexOf("=") - 1;
const last = alphabet[alphabet.indexOf(stray[at]) + 1];
write("trailing-bits", {
  expect: "opens-not-canonical",
  value: Buffer.from("abc"),
  item: stray.slice(0, at) + last + stray.slice(at + 1),
});

write("wrong-name", { expect: "refused", name: "other", item: good });
write("wrong-namespace", { expect: "refused", namespace: "other", item: good });
write("wrong-scope", { expect: "refused", scope: "cluster-wide", item: good });
write("wrong-key-size", { expect: "refused", key: 4096, item: good });
write("session-key-16", { expect: "refused", item: seal(value, 2048, strict, 16) });
const flip = (at) => {
  const changed = Buffer.from(good);
  changed[at] ^= 1;
  return changed;
};
write("changed-wrapped-key", { expect: "refused", item: flip(100) });
write("changed-ciphertext", { expect: "refused", item: flip(2 + 256) });
write("changed-tag", { expect: "refused", item: flip(good.length - 1) });
write("length-short", { expect: "refused", item: Buffer.concat([Buffer.from([0, 255]), good.subarray(2)]) });
write("length-zero", { expect: "refused", item: Buffer.concat([Buffer.from([0, 0]), good.subarray(2)]) });
write("length-long", { expect: "truncated", item: Buffer.concat([Buffer.from([255, 255]), good.subarray(2)]) });
write("truncated-tag", { expect: "truncated", item: good.subarray(0, 2 + 256 + 15) });
write("truncated-length", { expect: "truncated", item: good.subarray(0, 1) });
write("nothing", { expect: "truncated", item: "" });
write("no-padding", { expect: "not-base64", item: stray.replace(/=+$/, "") });
write("url-safe", { expect: "not-base64", item: "-_" + text.slice(2) });
write("space", { expect: "not-base64", item: text.slice(0, 8) + " " + text.slice(8) });
rmSync(scratch, { recursive: true });
