// Bundles src into dist: the command line (one chunk a command, loaded when asked for) and the engine entries.
// Unbundled, the dependencies alone cost several hundred milliseconds and over 100 MiB at start.
import { build } from 'esbuild'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = join(root, 'dist')
const engines = ['injection', 'validation', 'redirect']
  .map((name) => ({ name, file: join(root, 'src', name, 'index.ts') }))
  .filter(({ file }) => existsSync(file))

const common = {
  bundle: true,
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  sourcemap: false,
  legalComments: 'none',
}

rmSync(outdir, { recursive: true, force: true })
await build({
  ...common,
  entryPoints: { main: join(root, 'src/main.ts') },
  outdir,
  platform: 'node',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  minify: false,
  // CommonJS dependencies call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = (await import('node:url')).fileURLToPath(import.meta.url); const __dirname = (await import('node:path')).dirname(__filename);",
  },
})
for (const { name, file } of engines) {
  await build({
    ...common,
    entryPoints: [file],
    outfile: join(outdir, `${name}.js`),
    platform: 'neutral',
    mainFields: ['module', 'main'],
  })
}
