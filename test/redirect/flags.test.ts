import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_SETTINGS, parseFlags, type Environment, type RedirectSettings } from '../../src/redirect/flags.ts'

interface Row {
  readonly name: string
  readonly args?: readonly string[]
  readonly env?: Environment
  readonly want: Partial<RedirectSettings>
}

const accepted: Row[] = [
  { name: 'nothing given leaves the defaults', want: {} },
  { name: 'a long flag takes the next argument', args: ['--envoy-port', '1'], want: { proxyPort: '1' } },
  { name: 'a long flag takes what follows =', args: ['--envoy-port='], want: { proxyPort: '' } },
  { name: 'a short flag takes the next argument', args: ['-p', '1'], want: { proxyPort: '1' } },
  { name: 'a short flag takes what is glued to it', args: ['-p15'], want: { proxyPort: '15' } },
  { name: 'a short flag takes what follows =', args: ['-x=1'], want: { outboundRangesExclude: '1' } },
  { name: 'a short flag with = alone has the value =', args: ['-p='], want: { proxyPort: '=' } },
  { name: 'a value may look like a flag', args: ['-t', '-1'], want: { tproxyMark: '-1' } },
  { name: 'a bool flag takes no next argument', args: ['--dry-run', 'false'], want: { dryRun: true } },
  { name: 'a bool flag takes what follows =', args: ['--dry-run=F', '-n=0'], want: { dryRun: false } },
  { name: 'short bools can be bundled before a value', args: ['-nu', '5'], want: { dryRun: true, proxyUid: '5' } },
  { name: 'flags after -- are arguments', args: ['--', '-p', '1'], want: {} },
  { name: 'positional words are ignored', args: ['x', '-', '-p', '1', 'y'], want: { proxyPort: '1' } },
  { name: 'the later of two wins', args: ['-p', '1', '-p', '2'], want: { proxyPort: '2' } },
  { name: 'a variable fills its flag', env: { INBOUND_CAPTURE_PORT: '7' }, want: { inboundCapturePort: '7' } },
  { name: 'an empty variable counts as set', env: { INBOUND_CAPTURE_PORT: '' }, want: { inboundCapturePort: '' } },
  {
    name: 'the command line beats the variable',
    args: ['-z', '8'],
    env: { INBOUND_CAPTURE_PORT: '7' },
    want: { inboundCapturePort: '8' },
  },
  { name: 'ENVOY_PORT is not read', env: { ENVOY_PORT: '7' }, want: {} },
  {
    name: 'the additional variable wins',
    env: { REDIRECT_DNS: 'true', ISTIO_META_DNS_CAPTURE: 'false' },
    want: { redirectDns: false },
  },
  {
    name: 'the additional variable is enough',
    env: { INVALID_DROP: '1', ISTIO_DUAL_STACK: 'T' },
    want: { dropInvalid: true, dualStack: true },
  },
  { name: 'a bad bool variable is false', env: { DRY_RUN: 'yes' }, want: { dryRun: false } },
  {
    name: 'a port variable out of range is the largest',
    env: { IPTABLES_PROBE_PORT: '70000' },
    want: { probePort: 65535 },
  },
  {
    name: 'a port variable is out of range before it is no number',
    env: { IPTABLES_PROBE_PORT: '70000x' },
    want: { probePort: 65535 },
  },
  { name: 'a port variable that is no number is 0', env: { IPTABLES_PROBE_PORT: 'x' }, want: { probePort: 0 } },
  { name: 'a duration variable without unit is 0', env: { PROBE_TIMEOUT: '5' }, want: { probeTimeoutNs: 0 } },
  { name: 'ports may be hexadecimal', args: ['--iptables-probe-port=0x1F'], want: { probePort: 31 } },
  { name: 'ports with a leading zero are octal', args: ['--iptables-probe-port=017'], want: { probePort: 15 } },
  { name: 'durations add their parts', args: ['--probe-timeout=1m1.5s'], want: { probeTimeoutNs: 61.5e9 } },
  { name: 'durations may be negative', args: ['--probe-timeout=-1s'], want: { probeTimeoutNs: -1e9 } },
  { name: 'logging flags are accepted', args: ['--log_output_level=default:info', '--log_as_json'], want: {} },
]

for (const { name, args = [], env = {}, want } of accepted) {
  test(`flags: ${name}`, () => {
    const outcome = parseFlags(args, env, 'istiod')
    assert.equal(outcome.kind, 'settings')
    if (outcome.kind === 'settings') assert.deepEqual(outcome.settings, { ...DEFAULT_SETTINGS, ...want })
  })
}

const refused: { name: string; args: string[]; message: RegExp }[] = [
  { name: 'an unknown flag', args: ['--restore-format'], message: /^unknown flag: --restore-format$/ },
  { name: 'an abbreviation', args: ['--envoy', '1'], message: /unknown flag/ },
  { name: 'an unknown letter', args: ['-y'], message: /unknown shorthand flag: 'y' in -y/ },
  { name: 'a missing value', args: ['--envoy-port'], message: /flag needs an argument: --envoy-port/ },
  { name: 'a missing short value', args: ['-p'], message: /flag needs an argument: 'p' in -p/ },
  { name: 'three dashes', args: ['---p'], message: /bad flag syntax/ },
  {
    name: 'a bool with a space',
    args: ['--dry-run= true'],
    message: /invalid argument " true" for "-n, --dry-run" flag/,
  },
  { name: 'a port out of range', args: ['--iptables-probe-port=65536'], message: /value out of range/ },
  { name: 'a duration without unit', args: ['--probe-timeout', '5'], message: /missing unit/ },
  { name: 'a key of every object', args: ['--__proto__=1'], message: /unknown flag/ },
]
for (const { name, args, message } of refused) {
  test(`flags: ${name} is refused`, () => {
    const outcome = parseFlags(args, {}, 'istiod')
    assert.equal(outcome.kind, 'invalid')
    if (outcome.kind === 'invalid') assert.match(outcome.message, message)
  })
}

test('flags: without compatibility a bad variable is refused, not zeroed', () => {
  const outcome = parseFlags([], { DRY_RUN: 'yes' }, 'off')
  assert.deepEqual(outcome, { kind: 'invalid', message: 'DRY_RUN: strconv.ParseBool: parsing "yes": invalid syntax' })
})

test('flags: no command line makes the parser throw', () => {
  const word = fc.oneof(fc.string(), fc.constantFrom('-p', '-n', '--', '-', '--dry-run', '--probe-timeout', '-b', '*'))
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (args) => {
      assert.ok(['settings', 'invalid', 'help'].includes(parseFlags(args, {}, 'istiod').kind))
    }),
    { numRuns: 2000 },
  )
})
