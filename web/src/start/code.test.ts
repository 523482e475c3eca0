import { describe, expect, it } from "vitest";
import { judged, symbolsOf, written } from "./code";

/** A code of zeros and a one: 1 modulo 37 is 1, so its check symbol is «1». */
const GOOD = "00000-00000-00000-00001-1";

describe("codes as typed", () => {
  it("reads any case, blanks, dashes and look-alike letters", () => {
    expect(symbolsOf(" o0000 –ilabc\u0410\u0421 ")).toBe("0000011ABCAC");
    expect(judged("ooooo ooooo ooooo ooool i")).toBe("whole");
    expect(judged(GOOD.replaceAll("-", ""))).toBe("whole");
  });

  it("tells a slip from a whole code by the check symbol", () => {
    expect(judged(GOOD)).toBe("whole");
    expect(judged("00000-00000-00000-00010-1")).toBe("mistyped");
    expect(judged("00000-00000-00000-00001-2")).toBe("mistyped");
    // 36 modulo 37 is the last of the check symbols, which is no symbol of the body
    expect(judged("00000-00000-00000-00014-U")).toBe("whole");
  });

  it("says what is missing or foreign", () => {
    expect(judged("")).toBe("short");
    expect(judged("00000-00000-00000-00001")).toBe("short");
    expect(judged(`${GOOD}1`)).toBe("long");
    expect(judged("00000-0?")).toBe("foreign");
  });

  it("writes it in groups as far as it goes", () => {
    expect(written("abcdefg")).toBe("ABCDE-FG");
    expect(written("00000000000000000001" + "1")).toBe(GOOD);
    expect(written("")).toBe("");
  });
});
