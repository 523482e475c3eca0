import { expect, it } from "vitest";
import { deviceOf } from "./agent";

it("knows browsers that call themselves by the names of others as well", () => {
  const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0";
  expect(deviceOf(`${windows} Safari/537.36`)).toEqual({ browser: "Chrome", system: "Windows" });
  expect(deviceOf(`${windows} YaBrowser/24.1 Safari/537.36`)).toEqual({ browser: "Yandex Browser", system: "Windows" });
  expect(deviceOf(`${windows} Safari/537.36 Edg/130.0`)).toEqual({ browser: "Edge", system: "Windows" });
  expect(deviceOf("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Mobile Safari/604.1")).toEqual({
    browser: "Safari",
    system: "iPhone",
  });
  expect(deviceOf("curl/8.0")).toBeNull();
});
