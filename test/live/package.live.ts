/** The package as others install it: the engines are typed and run from the packed files alone. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROJECT_ROOT } from '../support/shared.ts'

const CONSUMER = `
import { createInjector, type InjectionResult } from 'mesh-admission/injection'
import { parseFlags } from 'mesh-admission/redirect'
const injector = createInjector({
  configText: 'policy: enabled\\ntemplates: {sidecar: "spec: {containers: [{name: istio-proxy, image: p}]}"}',
  valuesText: '{}', meshTexts: [], revision: 'default', nativeSidecars: 'false', platform: '', compliancePolicy: '',
  compat: 'off', env: () => undefined, warn: () => undefined,
})
const result: InjectionResult = injector.inject(
  { pod: { metadata: { name: 'web' }, spec: { containers: [{ name: 'app' }] } }, namespace: 'shop' },
  { proxyConfigs: [] },
)
// @ts-expect-error: the types are real
injector.inject(1)
console.log('injected' in result && result.injected, typeof parseFlags)
`

test('a consumer of the packed engines compiles and runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-admission-package-'))
  const run = (file: string, args: readonly string[], cwd = folder): string =>
    execFileSync(file, [...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const packed =
    run('npm', ['pack', '--silent', '--pack-destination', folder], PROJECT_ROOT).trim().split('\n').at(-1) ?? ''
  const installed = join(folder, 'node_modules/mesh-admission')
  mkdirSync(installed, { recursive: true })
  run('tar', ['xzf', join(folder, packed), '-C', installed, '--strip-components=1'])
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'use.ts'), CONSUMER)
  const compiler = join(PROJECT_ROOT, 'node_modules/typescript/bin/tsc')
  const settings = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--lib', 'es2023,dom']
  run(process.execPath, [compiler, ...settings, 'use.ts'])
  assert.equal(run(process.execPath, ['use.js']).trim(), 'true function')
})
