import { expect, test } from "bun:test";
import { LineLogger } from "../../src/base/line-logger.ts";

function recorded(): { readonly lines: string[]; readonly logger: LineLogger } {
  const lines: string[] = [];
  const wallMs = (): number => new Date(2024, 2, 5, 9, 7, 1, 33).getTime();
  const logger = new LineLogger({ pid: 42, write: (line) => lines.push(line), wallMs, level: "notice" });
  return { lines, logger };
}

test("LineLogger writes Redis' form", () => {
  const { lines, logger } = recorded();
  logger.notice("Ready to accept connections");
  logger.role = "M";
  logger.warning("no space left");
  expect(lines).toEqual([
    "42:X 05 Mar 2024 09:07:01.033 * Ready to accept connections\n",
    "42:M 05 Mar 2024 09:07:01.033 # no space left\n",
  ]);
});

test("LineLogger drops what is below its level of the moment", () => {
  const { lines, logger } = recorded();
  const marksAt = (level: LineLogger["level"]): string => {
    logger.level = level;
    lines.length = 0;
    logger.debug("x");
    logger.verbose("x");
    logger.notice("x");
    logger.warning("x");
    return lines.map((line) => line.split(" ")[5]).join("");
  };
  expect([marksAt("debug"), marksAt("verbose"), marksAt("notice"), marksAt("warning")]).toEqual([
    ".-*#",
    "-*#",
    "*#",
    "#",
  ]);
});

test("LineLogger keeps a message to one line", () => {
  const { lines, logger } = recorded();
  logger.notice("client 'a\r\n42:M evil\x1b[31m'");
  expect(lines).toEqual(["42:X 05 Mar 2024 09:07:01.033 * client 'a\\x0d\\x0a42:M evil\\x1b[31m'\n"]);
});
