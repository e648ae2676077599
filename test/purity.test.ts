/** The engines must run where there is nothing but ECMAScript, TextEncoder, TextDecoder and URL. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import vm from 'node:vm'
import { build } from 'esbuild'
import { PROJECT_ROOT } from './support/shared.ts'

/** One small case of each engine, run on the bundle's exports (`engine`) inside the bare context; yields a text. */
const CASES: Readonly<Record<string, { run: string; want: RegExp }>> = {
  injection: {
    run: `(() => {
      const { createInjector } = engine
      const injector = createInjector({
        configText: 'policy: enabled\\ntemplates:\\n  sidecar: "spec: {containers: [{name: istio-proxy, image: {{ .ProxyImage }}}]}"',
        valuesText: '{"global": {"hub": "h", "tag": "t"}}',
        meshTexts: [], revision: 'default', nativeSidecars: 'false', platform: '', compliancePolicy: '', compat: 'istiod',
        env: () => undefined, warn: () => undefined,
      })
      const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'app' }] } }
      return JSON.stringify(injector.inject({ pod, namespace: 'shop' }, { proxyConfigs: [] }))
    })()`,
    want: /"injected":true.*istio-proxy.*h\/proxyv2:t/,
  },
  redirect: {
    run: `(async () => {
      const { deriveConfig, iptablesRules, parseFlags, redirectProgram, renderRestore } = engine
      const parsed = parseFlags(['-p', '15001', '-u', '1337', '-m', 'REDIRECT', '-i', '*', '-b', '*'], {}, 'istiod')
      const host = { addresses: () => ['10.244.0.5/24'], resolvConf: () => 'nameserver 10.96.0.10', uidOf: () => undefined }
      const config = await deriveConfig(parsed.settings, host, 'istiod')
      return renderRestore(iptablesRules(redirectProgram(config), 'v4'))
    })()`,
    want: /-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001/,
  },
  validation: {
    run: `(() => {
      const object = {
        apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a', namespace: 'shop' },
        spec: { hosts: ['a'], http: [{ route: [{ destination: { host: 'a' }, weight: -1 }] }] },
      }
      return engine.validate(object).verdict
    })()`,
    want: /^reject$/,
  },
}

for (const [name, { run, want }] of Object.entries(CASES)) {
  const entry = join(PROJECT_ROOT, 'src', name, 'index.ts')
  test(`the ${name} engine runs without Node`, { skip: existsSync(entry) ? false : `no ${name} engine` }, async () => {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'engine',
      platform: 'browser',
      logLevel: 'silent',
    })
    const context = vm.createContext({ TextEncoder, TextDecoder, URL })
    vm.runInContext(outputFiles[0]?.text ?? '', context)
    assert.match(String(await vm.runInContext(run, context)), want)
  })
}
