import { expect, test } from "vitest";
import { describeOwner, parseListeners } from "../../../../components/process/port-owner.ts";

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:107E 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 51234 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0000000000000000 100 0 0 10 0
   2: 0100007F:107E 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 51300 1 0000000000000000 100 0 0 10 0
`;

test("listeners are told from connections, and ports from one another", () => {
  expect(parseListeners(TABLE, 4222)).toEqual(["51234"]);
  expect(parseListeners(TABLE, 22)).toEqual(["777"]);
  expect(parseListeners(TABLE, 50000)).toEqual([]);
  expect(parseListeners("", 22)).toEqual([]);
});

test("an owner is said in words, also one that cannot be seen", () => {
  expect(describeOwner({ pid: 7, command: "nats-server" })).toBe("nats-server (pid 7)");
  expect(describeOwner(undefined)).toBe("a process this user cannot see");
});
