/// <reference types="vitest/config" />
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Beside every file of text its `.br` and `.gz`: the edge only chooses, it compresses nothing of the client itself. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    // Not generateBundle: there other plugins still change the files.
    writeBundle({ dir }, bundle) {
      for (const fileName of Object.keys(bundle)) {
        const path = join(dir ?? "dist", fileName);
        const source = readFileSync(path);
        if (!/\.(js|css|svg|html|json|webmanifest)$/.test(fileName) || source.length < 1024) continue;
        writeFileSync(`${path}.br`, brotliCompressSync(source));
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    proxy: { "^/(api/|problems|start.json|status)": { target: process.env["ZHURNAL"] ?? "http://127.0.0.1:8080" } },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
