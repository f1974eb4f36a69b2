// The signature once more, in the language that encodes and sorts in its own way.
//
//   node signature.js 127.0.0.1:8643 ca.pem AFAKESELLER01 C01-7654321-0000001
//
// See client.py. Node 18, nothing but its own modules.
"use strict";
const assert = require("node:assert");
const crypto = require("node:crypto");
const fs = require("node:fs");
const https = require("node:https");

const [address, authority, seller, agreement] = process.argv.slice(2);
const accessKey = "AKIAFAKEACCESSKEY", secretKey = "not-a-secret-key-of-anybody/0123456789+=";
const host = "mws.amazonservices.com", path = "/OffAmazonPayments_Sandbox/2013-01-01";
const awkward = "a b  c+d*e~f é ü 日本語 🎉 &=%25?/#;,:@!$'()[]\"<>\\ end";

// encodeURIComponent leaves !'()* alone, RFC 3986 does not.
const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
const canonical = (parameters) => Object.keys(parameters).sort().map((name) => escaped(name) + "=" + escaped(parameters[name])).join("&");
const signature = (secret, text) => crypto.createHmac("sha256", secret).update(text, "utf8").digest("base64");

function post(body) {
  const mapped = address.split(":");
  return new Promise((resolve, reject) => {
    const request = https.request({
      host, path, method: "POST", port: Number(mapped[1]), servername: host, ca: fs.readFileSync(authority), rejectUnauthorized: true,
      lookup: (name, options, done) => (options.all ? done(null, [{ address: mapped[0], family: 4 }]) : done(null, mapped[0], 4)),
      headers: { Host: host, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": Buffer.byteLength(body) },
    }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => { text += part; }).on("end", () => resolve({ status: response.statusCode, text }));
    });
    request.on("error", reject).end(body);
  });
}

async function call(action, parameters, secret = secretKey, change = (text) => text) {
  const all = {
    ...parameters, Action: action, AWSAccessKeyId: accessKey, SellerId: seller, SignatureMethod: "HmacSHA256", SignatureVersion: "2",
    Timestamp: new Date().toISOString(), Version: "2013-01-01", AmazonBillingAgreementId: agreement,
  };
  const text = canonical(all);
  return post(change(text) + "&Signature=" + escaped(signature(secret, ["POST", host, path, text].join("\n"))));
}

async function main() {
  assert.equal(signature("mws_secret_key", "my_test_string"), "JQZYxe8EFlLE3XCAWotsn329rpZF7OFYhA8oo7rUV2E="); // 2.3
  const note = "BillingAgreementAttributes.SellerNote", store = "BillingAgreementAttributes.SellerBillingAgreementAttributes.StoreName";
  const attributes = { [note]: awkward, [store]: "Café" };
  const set = "SetBillingAgreementDetails";
  const good = await call(set, attributes);
  assert.equal(good.status, 200, good.text);
  const backwards = await call(set, attributes, secretKey, (text) => text.split("&").reverse().join("&"));
  assert.equal(backwards.status, 200, "the order of the body does not matter: " + backwards.text);
  const read = await call("GetBillingAgreementDetails", {});
  const written = awkward.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const plain = read.text.replace(/&#39;|&apos;/g, "'").replace(/&#34;|&quot;/g, '"');
  assert.ok(plain.includes("<SellerNote>" + written + "</SellerNote>"), "the note comes back as it went: " + plain);
  for (const [name, forged] of Object.entries({
    "another secret": await call(set, attributes, "another"),
    "another note": await call(set, attributes, secretKey, (text) => text.replace("end", "End")),
    "unescaped signs": await call(set, attributes, secretKey, (text) => text.replace("c%2Bd", "c+d")),
  })) {
    assert.equal(forged.status, 403, name + ": " + forged.text);
    assert.match(forged.text, /<Code>SignatureDoesNotMatch<\/Code>/, name);
  }
  console.log("ok    6 calls");
}

main().catch((problem) => { console.error(problem.message); process.exit(1); });
