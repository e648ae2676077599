import assert from 'node:assert/strict'
import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { addServeFlags, resolveServeOptions, SERVE_FLAGS, type ServeOptions } from '../../../src/cli/serve/options.ts'
import { PROJECT_ROOT } from '../../support/shared.ts'

function resolved(argv: readonly string[] = [], env: Record<string, string> = {}): ServeOptions {
  const command = new Command().exitOverride()
  addServeFlags(command)
  return resolveServeOptions(command.parse(argv, { from: 'user' }).opts(), { HOME: '/home/me', ...env })
}

test('options: the defaults are the ports of istiod and a namespace of istio-system', () => {
  const options = resolved()
  assert.deepEqual([options.port, options.healthPort, options.metricsPort], [15017, 8080, 15014])
  assert.deepEqual([options.revision, options.istioNamespace], ['default', 'istio-system'])
  assert.deepEqual([options.nativeSidecars, options.compat, options.injectEnabled], ['auto', 'off', true])
  assert.deepEqual([options.shutdownDelayMs, options.shutdownTimeoutMs], [0, 20_000])
})

test('options: in a cluster the server serves on while endpoints travel', () => {
  assert.equal(resolved([], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).shutdownDelayMs, 15_000)
})

const precedence: readonly {
  name: string
  argv?: string[]
  env?: Record<string, string>
  want: Partial<ServeOptions>
}[] = [
  { name: 'a variable wins over the default', env: { REVISION: 'canary' }, want: { revision: 'canary' } },
  {
    name: 'a flag wins over the variable',
    argv: ['--revision', 'prod'],
    env: { REVISION: 'canary' },
    want: { revision: 'prod' },
  },
  { name: 'an empty revision is the default one', env: { REVISION: '' }, want: { revision: 'default' } },
  { name: 'PLATFORM', env: { PLATFORM: 'openshift' }, want: { platform: 'openshift' } },
  { name: 'COMPLIANCE_POLICY', env: { COMPLIANCE_POLICY: 'fips-140-2' }, want: { compliancePolicy: 'fips-140-2' } },
  { name: 'ENABLE_NATIVE_SIDECARS', env: { ENABLE_NATIVE_SIDECARS: 'true' }, want: { nativeSidecars: 'true' } },
  {
    name: 'a flag over ENABLE_NATIVE_SIDECARS',
    argv: ['--native-sidecars', 'auto'],
    env: { ENABLE_NATIVE_SIDECARS: 'x' },
    want: { nativeSidecars: 'auto', warnings: [] },
  },
  {
    name: 'an odd ENABLE_NATIVE_SIDECARS is false, with a warning',
    env: { ENABLE_NATIVE_SIDECARS: 'yes' },
    want: {
      nativeSidecars: 'false',
      warnings: ['ENABLE_NATIVE_SIDECARS: expected auto, true or false, got "yes": false'],
    },
  },
  { name: 'INJECT_ENABLED in Go’s spelling', env: { INJECT_ENABLED: 'F' }, want: { injectEnabled: false } },
  { name: 'an odd INJECT_ENABLED counts as unset', env: { INJECT_ENABLED: 'no' }, want: { injectEnabled: true } },
  {
    name: 'certificates',
    argv: '--ca-lifetime 10s --leaf-lifetime 5s --trust-dwell 100ms --retire-dwell 200ms --key-algorithm rsa-3072'.split(
      ' ',
    ),
    want: {
      rotation: {
        caLifetimeMs: 10_000,
        leafLifetimeMs: 5000,
        trustDwellMs: 100,
        retireDwellMs: 200,
        keyAlgorithm: 'rsa-3072',
      },
    },
  },
  { name: 'camel case', argv: ['--injectConfigFile', 'a'], want: { injectConfigFile: 'a' } },
  {
    name: 'kebab case',
    argv: ['--inject-config-file', 'a', '--values-file=b', '--mesh-config-file', 'c'],
    want: { injectConfigFile: 'a', valuesFile: 'b', meshConfigFile: 'c' },
  },
  {
    name: 'names add up',
    argv: ['--tls-extra-name', 'a', '--tls-extra-name', 'b'],
    want: { tlsExtraNames: ['a', 'b'] },
  },
  { name: 'the memory of answers is given in MiB', argv: ['--memo-size', '2'], want: { memoBytes: 2_097_152 } },
  { name: 'TLS 1.2 is the lowest version', want: { minTlsVersion: 'TLSv1.2' } },
  { name: 'TLS 1.3 can be', argv: ['--tls-min-version', '1.3'], want: { minTlsVersion: 'TLSv1.3' } },
  { name: 'the memory of answers can be switched off', argv: ['--memo-size', '0'], want: { memoBytes: 0 } },
  {
    name: 'a pair of files',
    argv: ['--tls-cert-file', 'c', '--tls-key-file', 'k'],
    want: { tlsFiles: { certFile: 'c', keyFile: 'k' } },
  },
  {
    name: 'a pair of files with its authority elsewhere',
    argv: ['--tls-cert-file', 'c', '--tls-key-file', 'k', '--tls-ca-file', 'a'],
    want: { tlsFiles: { certFile: 'c', keyFile: 'k', caFile: 'a' } },
  },
  { name: 'caBundle is ours to write', want: { patchCaBundle: true } },
  { name: 'caBundle may be for others', argv: ['--patch-ca-bundle', 'false'], want: { patchCaBundle: false } },
  {
    name: 'state below XDG_STATE_HOME',
    env: { XDG_STATE_HOME: '/state' },
    want: { stateDir: '/state/mesh-admission' },
  },
]

for (const { name, argv, env, want } of precedence) {
  test(`options: ${name}`, () => {
    const options = resolved(argv, env)
    for (const [key, value] of Object.entries(want)) assert.deepEqual(options[key as keyof ServeOptions], value)
  })
}

const refused: readonly { argv: string[]; message: string }[] = [
  { argv: ['--port', '65536'], message: '--port: expected 0..65535, got "65536"' },
  { argv: ['--health-port', 'x'], message: '--health-port: expected 0..65535, got "x"' },
  { argv: ['--metrics-port', '-1'], message: '--metrics-port: expected 0..65535, got "-1"' },
  { argv: ['--memo-size', '1Gi'], message: '--memo-size: expected a number of MiB, got "1Gi"' },
  { argv: ['--shutdown-delay', '5'], message: '--shutdown-delay: expected a duration such as 15s, got "5"' },
  { argv: ['--shutdown-timeout', '-5s'], message: '--shutdown-timeout: expected a duration such as 15s, got "-5s"' },
  { argv: ['--native-sidecars', 'on'], message: '--native-sidecars: expected one of auto, true, false, got "on"' },
  { argv: ['--tls-min-version', '1.1'], message: '--tls-min-version: expected one of 1.2, 1.3, got "1.1"' },
  { argv: ['--compat', 'on'], message: '--compat: expected one of istiod, off, got "on"' },
  { argv: ['--inject-enabled', 'on'], message: '--inject-enabled: expected true or false, got "on"' },
  { argv: ['--tls-ca-file', 'a'], message: '--tls-ca-file: expected --tls-cert-file beside it' },
  {
    argv: ['--patch-ca-bundle', 'no'],
    message: '--patch-ca-bundle: expected one of true, false, got "no"',
  },
  { argv: ['--tls-cert-file', 'c'], message: '--tls-cert-file and --tls-key-file: expected both or neither, got one' },
]

for (const { argv, message } of refused) {
  test(`options: ${argv.join(' ')} is refused by name`, () => {
    assert.throws(() => resolved(argv), { code: 'OPTION_INVALID', message })
  })
}

test('options: the bounds of a port are ports', () => {
  assert.deepEqual([resolved(['--port', '0']).port, resolved(['--port', '65535']).port], [0, 65535])
})

test('docs/serve.md lists every flag with its variable and default, and no other', () => {
  const text = readFileSync(join(PROJECT_ROOT, 'docs/serve.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `--(\S+) <(\w+)>` \| ?(.*?) ?\| ?(.*?) ?\| (.+) \|$/gm)]
  const plain = (cell = ''): string => cell.replaceAll('`', '')
  assert.deepEqual(
    documented.map(([, name, value, env, preset, help]) => [name, value, plain(env), plain(preset), help]),
    SERVE_FLAGS.map(({ name, value, env = '', default: preset = '', help }) => [name, value, env, preset, help]),
  )
})
