import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAuthority, createServerCertificate } from "../../../components/tls/certificate.ts";
import { element, objectId } from "../../../components/tls/der.ts";
import { hostProblem, serverHosts } from "../../../components/tls/hosts.ts";
import { issueAuthority, issueServers, planAuthority, planServers } from "../../../components/tls/issue.ts";
import type { AuthorityState, ServerCertificatesInputs } from "../../../components/tls/model.ts";
import { authority as authorityOperations, servers as serverOperations } from "../../../components/tls/operations.ts";
import { UNKNOWN_VALUE } from "../../../core/unknown.ts";

const DAY_MS = 86_400_000;
const START = new Date("2026-01-01T00:00:00Z");
const dayAt = (days: number) => new Date(START.getTime() + days * DAY_MS);
const AUTHORITY = { name: "natsbus dev", validityMs: 3650 * DAY_MS, renewBeforeMs: 365 * DAY_MS };

const firstAuthority = (): AuthorityState => issueAuthority(undefined, planAuthority(undefined, AUTHORITY, START));
const inputsFor = (
  authority: AuthorityState,
  nodes: Record<string, string[]> = { n1: ["n1", "127.0.0.1"], n2: ["n2"] },
): ServerCertificatesInputs => ({
  authority,
  nodes,
  validityMs: 90 * DAY_MS,
  renewBeforeMs: 30 * DAY_MS,
});

describe("certificates", () => {
  it("are X.509 that another implementation reads, as wished", () => {
    const authority = createAuthority({
      commonName: "dev",
      validity: { issuedAt: START.toISOString(), expiresAt: dayAt(3650 * 10).toISOString() },
    });
    const issued = createServerCertificate(
      {
        commonName: "n1",
        validity: { issuedAt: START.toISOString(), expiresAt: dayAt(90).toISOString() },
        hosts: ["n1", "*.example.org", "127.0.0.1", "::1", "fe80::1:2", "::ffff:1.2.3.4"],
      },
      authority,
    );
    const [ca, leaf] = [new X509Certificate(authority.certificate), new X509Certificate(issued.certificate)];
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(ca) && leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe(
      "DNS:n1, DNS:*.example.org, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FE80:0:0:0:0:0:1:2, IP Address:0:0:0:0:0:FFFF:102:304",
    );
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(new Date(leaf.validFrom).getTime()).toBe(START.getTime() - 10 * 60_000);
    expect(new Date(leaf.validTo)).toEqual(dayAt(90));
    expect(new Date(ca.validTo).getUTCFullYear()).toBeGreaterThan(2049);
  });

  it("never share a serial number or a key", () => {
    const certificates = Array.from({ length: 20 }, () =>
      createAuthority({ commonName: "x", validity: { issuedAt: START.toISOString(), expiresAt: dayAt(1).toISOString() } }),
    );
    expect(new Set(certificates.map(({ certificate }) => new X509Certificate(certificate).serialNumber)).size).toBe(20);
    expect(new Set(certificates.map(({ key }) => key)).size).toBe(20);
  });

  it("use the lengths and object identifiers of DER", () => {
    expect(element(0x04, Buffer.alloc(0x7f)).subarray(0, 2)).toEqual(Buffer.from([0x04, 0x7f]));
    expect(element(0x04, Buffer.alloc(0x80)).subarray(0, 3)).toEqual(Buffer.from([0x04, 0x81, 0x80]));
    expect(element(0x04, Buffer.alloc(0x1234)).subarray(0, 4)).toEqual(Buffer.from([0x04, 0x82, 0x12, 0x34]));
    expect(objectId("1.2.840.10045.4.3.2").toString("hex")).toBe("06082a8648ce3d040302");
  });
});

describe("the authority's life", () => {
  it("keeps the authority outside the renewal window, and a preview shows no change", () => {
    const state = firstAuthority();
    const planned = planAuthority(state, AUTHORITY, dayAt(3284));
    expect(planned).toEqual(planAuthority(undefined, AUTHORITY, START));
    expect(issueAuthority(state, planned)).toEqual(state);
    expect(authorityOperations.diff(state, planned).changes).toBe(false);
  });

  it("shows a renewal as a change of validity within the window", () => {
    const planned = planAuthority(firstAuthority(), AUTHORITY, dayAt(3286));
    expect(authorityOperations.diff(firstAuthority(), planned).changes).toBe(true);
    expect(planned.validity).toEqual({ issuedAt: "2034-12-31T00:00:00Z", expiresAt: "2044-12-28T00:00:00Z" });
    expect(planned.overlapUntil).toBe(firstAuthority().validity.expiresAt);
  });

  it("trusts both during the overlap, is linked to the old one, and drops it at its end", () => {
    const old = firstAuthority();
    const renewed = issueAuthority(old, planAuthority(old, AUTHORITY, dayAt(3300)));
    expect(renewed.bundle).toBe(renewed.certificate + old.certificate);
    const [link, oldCertificate] = [new X509Certificate(renewed.link), new X509Certificate(old.certificate)];
    expect(link.checkIssued(oldCertificate) && link.verify(oldCertificate.publicKey)).toBe(true);
    expect(link.publicKey.equals(new X509Certificate(renewed.certificate).publicKey)).toBe(true);
    expect(new Date(link.validTo)).toEqual(new Date(oldCertificate.validTo));
    const during = planAuthority(renewed, AUTHORITY, dayAt(3649));
    expect(issueAuthority(renewed, during)).toEqual(renewed);
    const ended = issueAuthority(renewed, planAuthority(renewed, AUTHORITY, dayAt(3651)));
    expect(ended).toMatchObject({ certificate: renewed.certificate, bundle: renewed.certificate, link: "" });
    expect(ended).not.toHaveProperty("overlapUntil");
  });

  it("starts without a link when the old one has already ended", () => {
    const old = firstAuthority();
    const late = issueAuthority(old, planAuthority(old, AUTHORITY, dayAt(4000)));
    expect(late).toMatchObject({ bundle: late.certificate, link: "" });
  });

  it("refuses a renewal window as long as the lifetime, with the property", () => {
    const { failures } = authorityOperations.check({}, { ...AUTHORITY, renewBeforeMs: AUTHORITY.validityMs });
    expect(failures).toMatchObject([{ property: "renewBeforeMs", reason: expect.stringContaining("ERR_TLS_ARGS") }]);
  });
});

describe("server certificates", () => {
  it("are kept one by one while nothing about them changes", () => {
    const authority = firstAuthority();
    const before = issueServers(undefined, planServers(undefined, inputsFor(authority), START));
    const changed = inputsFor(authority, { n1: ["n1", "127.0.0.1"], n2: ["n2", "bus.example.org"], n3: ["n3"] });
    const now = issueServers(before, planServers(before, changed, dayAt(1)));
    expect(now.certificates["n1"]).toBe(before.certificates["n1"]);
    expect(now.keys["n1"]).toBe(before.keys["n1"]);
    expect(now.certificates["n2"]).not.toBe(before.certificates["n2"]);
    expect(Object.keys(now.keys)).toEqual(["n1", "n2", "n3"]);
  });

  it("are renewed within their window, each on its own", () => {
    const authority = firstAuthority();
    const early = issueServers(undefined, planServers(undefined, inputsFor(authority, { n1: ["n1"] }), START));
    const both = issueServers(early, planServers(early, inputsFor(authority, { n1: ["n1"], n2: ["n2"] }), dayAt(40)));
    const planned = planServers(both, inputsFor(authority, { n1: ["n1"], n2: ["n2"] }), dayAt(61));
    expect(planned.validity["n1"]?.issuedAt).toBe("2026-03-03T00:00:00Z");
    expect(planned.validity["n2"]).toEqual(both.validity["n2"]);
    expect(serverOperations.diff(both, planned).changes).toBe(true);
  });

  it("are all made anew for a new authority, with the link to the old one", () => {
    const old = firstAuthority();
    const before = issueServers(undefined, planServers(undefined, inputsFor(old), dayAt(3299)));
    const authority = issueAuthority(old, planAuthority(old, AUTHORITY, dayAt(3300)));
    const now = issueServers(before, planServers(before, inputsFor(authority), dayAt(3300)));
    for (const node of ["n1", "n2"]) expect(now.certificates[node]).toContain(authority.link);
  });

  it("never outlive their authority", () => {
    const authority = issueAuthority(
      undefined,
      planAuthority(undefined, { name: "short", validityMs: 10 * DAY_MS, renewBeforeMs: DAY_MS }, START),
    );
    const { certificates } = issueServers(undefined, planServers(undefined, inputsFor(authority), START));
    expect(new Date(new X509Certificate(certificates["n1"]!).validTo)).toEqual(dayAt(10));
  });

  it("wait in a preview for an authority that is not there yet", () => {
    const unknown = { ...inputsFor(firstAuthority()), authority: { certificate: UNKNOWN_VALUE, key: UNKNOWN_VALUE, link: UNKNOWN_VALUE } };
    const { inputs, failures } = serverOperations.check({}, unknown);
    expect(failures).toEqual([]);
    expect(Object.keys(inputs.validity ?? {})).toEqual(["n1", "n2"]);
  });

  it("refuses what is no host, with its place", () => {
    const { failures } = serverOperations.check({}, inputsFor(firstAuthority(), { n1: ["n1", "http://n1"] }));
    expect(failures).toMatchObject([{ property: "nodes.n1[1]", reason: expect.stringContaining('"http://n1"') }]);
  });
});

describe("hosts", () => {
  it("cover the node, loopback, the listening address and what the user adds, once", () => {
    expect(serverHosts({ node: "n1", address: "10.0.0.5", extra: ["localhost", "bus.example.org"] })).toEqual([
      "n1",
      "localhost",
      "127.0.0.1",
      "::1",
      "10.0.0.5",
      "bus.example.org",
    ]);
    expect(serverHosts({ node: "n1", address: "0.0.0.0", extra: [] })).toEqual(["n1", "localhost", "127.0.0.1", "::1"]);
  });

  it.each(["n1", "a.b-c.example", "*.example.org", "10.1.2.3", "::1", "fe80::1", "x_1"])("accepts %s", (host) =>
    expect(hostProblem(host)).toBeUndefined(),
  );
  it.each(["", "a..b", "-a", "a b", "http://a", "a:1", "*.", "a.*.b", "a".repeat(300)])("refuses %j", (host) =>
    expect(hostProblem(host)).toContain("neither"),
  );

  it("writes every IPv6 address as the other side reads it", () => {
    const authority = createAuthority({ commonName: "x", validity: { issuedAt: START.toISOString(), expiresAt: dayAt(1).toISOString() } });
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const { certificate } = createServerCertificate(
          { commonName: "x", validity: { issuedAt: START.toISOString(), expiresAt: dayAt(1).toISOString() }, hosts: [address] },
          authority,
        );
        return new X509Certificate(certificate).checkIP(address) !== undefined;
      }),
      { numRuns: 50 },
    );
  });
});
