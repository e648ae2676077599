/** Holds the import lines of src against the table of who may know whom. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/** Folder (longest prefix counts) -> what it may import from our code. `null`: everything. */
const ALLOWED: Readonly<Record<string, readonly string[] | null>> = {
  base: ['base'],
  api: ['api'],
  'injection/template': ['injection/template', 'base'],
  injection: ['injection', 'injection/template', 'base', 'api'],
  validation: ['validation', 'base', 'api'],
  kube: ['kube', 'base', 'api'],
  redirect: ['redirect', 'base', 'api'],
  'redirect/cni/plugin.ts': ['redirect', 'base', 'api', 'kube'],
  'redirect/cni/repair.ts': ['redirect', 'base', 'api', 'kube'],
  certificates: ['certificates', 'base', 'api'],
  'certificates/secret-store.ts': ['certificates', 'base', 'api', 'kube'],
  'certificates/ca-bundle.ts': ['certificates', 'base', 'api', 'kube'],
  server: ['server', 'base', 'api'],
  cli: null,
  'main.ts': ['cli'],
}
/** Folders of which the server may import types only: their functions arrive as arguments. */
const TYPES_ONLY_FROM_SERVER = ['injection', 'validation', 'certificates']
/** Engines must run in a browser. */
const PURE = ['injection', 'validation', 'api']

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.includes('/generated/'))

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8')
  const found: Import[] = []
  for (const [, typeOnly, specifier] of text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm,
  )) {
    found.push({ from: file, to: specifier ?? '', typeOnly: typeOnly !== undefined })
  }
  for (const [, specifier] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ from: file, to: specifier ?? '', typeOnly: false })
  }
  return found
}

const placeOf = (file: string): string =>
  Object.keys(ALLOWED)
    .filter((place) => file === place || file.startsWith(`${place}/`))
    .sort((a, b) => b.length - a.length)[0] ?? assert.fail(`no rule for src/${file}: add its folder to ALLOWED`)

const resolved = (i: Import): string => relative(SRC, resolve(SRC, dirname(i.from), i.to)).replaceAll('\\', '/')

const isOurs = (i: Import): boolean => i.to.startsWith('.')

test('every file of src imports only what its folder may know', () => {
  for (const i of files.flatMap(importsOf).filter(isOurs)) {
    const target = resolved(i)
    const allowed = ALLOWED[placeOf(i.from)]
    if (allowed === null || allowed === undefined) continue
    const place = placeOf(target)
    const ok =
      allowed.some((folder) => target === folder || target.startsWith(`${folder}/`) || place === folder) ||
      (i.from.startsWith('server/') && i.typeOnly && TYPES_ONLY_FROM_SERVER.some((f) => target.startsWith(`${f}/`)))
    assert.ok(ok, `src/${i.from} must not import src/${target}`)
  }
})

test('every import names a file that exists, with its extension', () => {
  for (const i of files.flatMap(importsOf).filter(isOurs)) {
    assert.ok(existsSync(join(SRC, resolved(i))), `src/${i.from} imports ${i.to}, which does not exist`)
  }
})

test('only main.ts imports cli', () => {
  for (const i of files.flatMap(importsOf).filter(isOurs)) {
    if (!resolved(i).startsWith('cli/')) continue
    assert.ok(i.from === 'main.ts' || i.from.startsWith('cli/'), `src/${i.from} imports src/${resolved(i)}`)
  }
})

test('the engines import nothing of Node', () => {
  for (const i of files.flatMap(importsOf).filter((one) => one.to.startsWith('node:'))) {
    assert.ok(!PURE.some((folder) => i.from.startsWith(`${folder}/`)), `src/${i.from} imports ${i.to}`)
  }
})

test('there is no import cycle', () => {
  const graph = new Map(
    files.map((f) => [
      f,
      importsOf(f)
        .filter((i) => isOurs(i) && !i.typeOnly)
        .map(resolved),
    ]),
  )
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
})
