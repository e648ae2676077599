/** Validation of an effective MeshConfig. */
import { portProblem } from '../../base/host-port.ts'
import { goQuote } from './go-text.ts'
import { durationProblem, nanosecondsOf } from './durations.ts'
import { extensionProviderAdvice } from './extension-providers.ts'
import { trustDomainProblem, wildcardDomainProblem } from './host-names.ts'
import { localityProblems, zoneAwareProblems } from './locality.ts'
import type { DurationValue, Message } from './message-type.ts'
import { compareBytes } from './proto-json-write.ts'
import { detectionTimeoutProblem, trafficPolicyProblems } from './traffic-policy.ts'
import { type Findings, validateProxyConfig } from './validate-proxy-config.ts'

/**
 * Checks a MeshConfig as it results from documents over the defaults.
 * Source: validation reference, section 11.2. istiod: problems of extension providers are logged only, so they are
 * warnings here.
 */
export function validateMeshConfig(mesh: Message): Findings {
  const config = messageAt(mesh, 'defaultConfig')
  const ofProxy =
    config === undefined ? { errors: ['missing default config'], warnings: [] } : validateProxyConfig(config)
  return {
    errors: [
      ...prefixed('invalid proxy listen port:', portProblem((mesh['proxyListenPort'] as number | undefined) ?? 0)),
      ...prefixed('invalid connect timeout:', connectTimeoutProblem(durationAt(mesh, 'connectTimeout'))),
      ...prefixed(
        'invalid protocol detection timeout:',
        detectionTimeoutProblem(durationAt(mesh, 'protocolDetectionTimeout')),
      ),
      ...ofProxy.errors,
      ...localityProblems(messageAt(mesh, 'localityLbSetting')),
      ...zoneAwareProblems(messageAt(mesh, 'zoneAwareLbSetting')),
      ...serviceSettingsProblems(mesh),
      ...trustDomainProblems(mesh),
      ...(textsAt(messageAt(mesh, 'meshMTLS'), 'ecdhCurves').length > 0
        ? ['mesh TLS does not support ECDH curves configuration']
        : []),
      ...trafficPolicyProblems(messageAt(mesh, 'defaultTrafficPolicy')),
    ],
    warnings: [
      ...ofProxy.warnings,
      ...curveWarnings(textsAt(messageAt(mesh, 'tlsDefaults'), 'ecdhCurves')),
      ...extensionProviderAdvice((mesh['extensionProviders'] as readonly Message[] | undefined) ?? []),
    ],
  }
}

const messageAt = (message: Message, name: string): Message | undefined => message[name] as Message | undefined

const durationAt = (message: Message, name: string): DurationValue | undefined =>
  message[name] as DurationValue | undefined

const textsAt = (message: Message | undefined, name: string): readonly string[] =>
  (message?.[name] as readonly string[] | undefined) ?? []

const prefixed = (prefix: string, problem: string | undefined): string[] =>
  problem === undefined ? [] : [`${prefix} ${problem}`]

const HOUR_NS = 3_600_000_000_000n

function connectTimeoutProblem(timeout: DurationValue | undefined): string | undefined {
  const problem = durationProblem(timeout)
  if (problem !== undefined) return problem
  return nanosecondsOf(timeout) > HOUR_NS ? 'connect timeout must be at most 1h' : undefined
}

function serviceSettingsProblems(mesh: Message): string[] {
  const settings = (mesh['serviceSettings'] as readonly Message[] | undefined) ?? []
  return settings.flatMap((one, i) =>
    textsAt(one, 'hosts').flatMap((host) =>
      prefixed(`serviceSettings[${i}], host \`${host}\`:`, wildcardDomainProblem(host)),
    ),
  )
}

function trustDomainProblems(mesh: Message): string[] {
  return [
    ...prefixed('trustDomain:', trustDomainProblem((mesh['trustDomain'] as string | undefined) ?? '')),
    ...textsAt(mesh, 'trustDomainAliases').flatMap((domain, i) =>
      prefixed(`trustDomainAliases[${i}], domain \`${domain}\`:`, trustDomainProblem(domain)),
    ),
  ]
}

const KNOWN_CURVES = ['P-224', 'P-256', 'P-384', 'P-521', 'X25519', 'X25519Kyber768Draft00', 'X25519MLKEM768']

function curveWarnings(curves: readonly string[]): string[] {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const curve of curves) {
    if (seen.has(curve)) duplicates.add(curve)
    seen.add(curve)
  }
  const unknown = [...seen].filter((curve) => curve !== '' && !KNOWN_CURVES.includes(curve))
  return [
    ...(unknown.length === 0 ? [] : [`detected unrecognized ECDH curves: ${listed(unknown)}`]),
    ...(duplicates.size === 0 ? [] : [`detected duplicate ECDH curves: ${listed([...duplicates])}`]),
  ]
}

const listed = (names: readonly string[]): string => [...names].sort(compareBytes).map(goQuote).join(', ')
