/** Points Prometheus at the agent, which serves the application's metrics and the proxy's together. */
import { ANNOTATION, CONTAINER_NAME, VARIABLE } from '../../api/names.ts'
import { ProjectError } from '../../base/errors.ts'
import { readBool } from '../bool-text.ts'
import { findInDraft } from '../draft.ts'
import type { PodDraft } from '../draft.ts'
import { goJsonText } from '../json-text.ts'
import { scrapeAnnotations, withoutScrapeAnnotations } from '../prometheus-annotations.ts'
import type { ScrapeKey } from '../prometheus-annotations.ts'
import type { PostContext, PostStep } from './step.ts'

interface ScrapeTarget {
  readonly port: string
  readonly path: string
}

interface ScrapeSettings {
  readonly scrape: string
  readonly path: string
  readonly port: string
  readonly targets: readonly ScrapeTarget[]
}

/** Ports of the proxy and its agent, which an application cannot serve metrics on. */
const RESERVED_PORTS: ReadonlyMap<number, string> = new Map([
  [15000, 'Envoy admin'],
  [15001, 'outbound traffic capture'],
  [15004, 'pilot debug'],
  [15006, 'inbound traffic capture'],
  [15008, 'HBONE tunnel'],
  [15020, 'pilot-agent status / merged Prometheus'],
  [15021, 'Envoy health'],
  [15053, 'DNS proxy'],
  [15090, 'Envoy Prometheus (already merged)'],
])
const DEFAULT_PATH = '/metrics'
const MAX_PORT = 65535

/**
 * Moves the pod's scrape annotations into a variable of the proxy and writes the agent's in their place.
 * istiod: that happens by default, also where there is no proxy to serve them.
 * @throws ProjectError INJECTION_FAILED for ports that cannot be scraped
 */
export const mergePrometheus: PostStep = (draft, context) => {
  const asked = scrapeAnnotations(draft.annotations)
  if (!isMergeWanted(draft, asked, context)) return
  const settings = readSettings(asked, context)
  checkPorts(settings, context.statusPort)
  handToAgent(draft, settings)
  draft.annotations = {
    ...withoutScrapeAnnotations(draft.annotations),
    [ANNOTATION.prometheusPort]: String(context.statusPort),
    [ANNOTATION.prometheusPath]: '/stats/prometheus',
    [ANNOTATION.prometheusScrape]: 'true',
  }
}

function isMergeWanted(draft: PodDraft, asked: ReadonlyMap<ScrapeKey, string>, context: PostContext): boolean {
  if (readBool(asked.get('scrape')) === false) return false
  if (!(readBool(draft.annotations[ANNOTATION.mergeMetrics]) ?? context.mergesPrometheus ?? true)) return false
  return asked.get('port') !== String(context.statusPort) // then this pod was injected before, or its owner is in charge
}

function readSettings(asked: ReadonlyMap<ScrapeKey, string>, { warn }: PostContext): ScrapeSettings {
  const text = asked.get('targets')
  const targets = text === undefined ? [] : readTargets(text)
  if (targets === undefined) warn(`ignoring invalid ${ANNOTATION.prometheusTargets} annotation: ${text ?? ''}`)
  const first = targets?.[0]
  return {
    scrape: asked.get('scrape') ?? '',
    path: first?.path ?? asked.get('path') ?? '',
    port: first?.port ?? asked.get('port') ?? '',
    targets: targets ?? [],
  }
}

/** `8080:/metrics,9100`; undefined when an entry has no port. */
function readTargets(text: string): readonly ScrapeTarget[] | undefined {
  const targets = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(readTarget)
  return targets.some(({ port }) => port === '') ? undefined : targets
}

function readTarget(entry: string): ScrapeTarget {
  const colon = entry.indexOf(':')
  const port = colon < 0 ? entry : entry.slice(0, colon)
  const path = colon < 0 ? '' : entry.slice(colon + 1)
  return { port: port.trim(), path: path.trim() === '' ? DEFAULT_PATH : path.trim() }
}

function checkPorts({ port, targets }: ScrapeSettings, statusPort: number): void {
  if (targets.length === 0) {
    if (port !== '') checkPort(port, { statusPort, prefix: 'invalid prometheus scrape configuration: ', noun: 'port' })
    return
  }
  for (const target of targets) {
    checkPort(target.port, { statusPort, prefix: 'invalid prometheus scrape targets: ', noun: 'target port' })
  }
}

function checkPort(text: string, at: { statusPort: number; prefix: string; noun: string }): void {
  const port = /^[+-]?\d+$/.test(text) ? Number(text) : NaN
  const refuse = (problem: string): never => {
    throw new ProjectError('INJECTION_FAILED', `${at.prefix}${problem}`)
  }
  if (!(port >= 1 && port <= MAX_PORT)) refuse(`invalid ${at.noun} ${JSON.stringify(text)}`)
  if (port === at.statusPort) refuse(`${at.noun} ${port} conflicts with agent port`)
  const reason = RESERVED_PORTS.get(port)
  if (reason !== undefined) refuse(`${at.noun} ${port} is reserved for Istio (${reason}) and cannot be scraped`)
}

function handToAgent(draft: PodDraft, { scrape, path, port, targets }: ScrapeSettings): void {
  const sidecar = findInDraft(draft, CONTAINER_NAME.proxy)
  if (sidecar === undefined || (scrape === '' && path === '' && port === '' && targets.length === 0)) return
  const value = goJsonText({ scrape, path, port, ...(targets.length > 0 && { targets }) })
  sidecar.env = [...(sidecar.env ?? []), { name: VARIABLE.prometheusAnnotations, value }]
}
