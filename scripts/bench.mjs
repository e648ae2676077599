// Bundles the benchmarks as the program itself is bundled, then runs them: a loader that compiles on the fly would change
// what it measures.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = join(root, 'bench/.bundle')

await build({
  entryPoints: { run: join(root, 'bench/run.ts'), 'echo-server': join(root, 'bench/support/echo-server.ts') },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
const { status } = spawnSync(process.execPath, [join(outdir, 'run.mjs'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
process.exit(status ?? 1)
