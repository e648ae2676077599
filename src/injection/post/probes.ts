/** Sends the kubelet's probes and hooks through the agent, which can reach an application behind mutual TLS. */
import { ANNOTATION, CONTAINER_NAME, VARIABLE } from '../../api/names.ts'
import type { Container, Handler, HttpGetAction, Lifecycle, PortReference, Probe } from '../../api/pod.ts'
import { readBool } from '../bool-text.ts'
import { findInDraft } from '../draft.ts'
import type { PodDraft } from '../draft.ts'
import { goJsonText } from '../json-text.ts'
import type { PostContext, PostStep } from './step.ts'

const PROBES = [
  ['readinessProbe', 'readyz'],
  ['livenessProbe', 'livez'],
  ['startupProbe', 'startupz'],
] as const
const HOOKS = [
  ['preStop', 'prestopz'],
  ['postStart', 'poststartz'],
] as const

type Prober = Readonly<Record<string, unknown>>

/**
 * Step A hands the original handlers to the agent, step B replaces them by requests to it.
 * istiod: B rewrites also what A leaves out (an unknown named port, the agent's own port), and only B honours the
 * port annotation.
 */
export const rewriteProbes: PostStep = (draft, context) => {
  const sidecar = findInDraft(draft, CONTAINER_NAME.proxy)
  const isWanted = readBool(draft.annotations[ANNOTATION.rewriteProbes]) ?? context.rewritesProbes
  if (sidecar === undefined || !isWanted) return
  const probers = probersOf(draft, context.statusPort)
  if (probers.size > 0) handProbers(sidecar, { probers, draft, context })
  const port = rewrittenPort(draft, context.statusPort)
  for (const container of applicationContainers(draft)) rewriteContainer(container, port)
}

const applicationContainers = (draft: PodDraft): readonly Container[] =>
  [...draft.initContainers, ...draft.containers].filter(({ name }) => name !== CONTAINER_NAME.proxy)

const probePath = (container: Container, what: string): string => `/app-health/${container.name ?? ''}/${what}`
const hookPath = (container: Container, what: string): string => `/app-lifecycle/${container.name ?? ''}/${what}`

function probersOf(draft: PodDraft, statusPort: number): ReadonlyMap<string, Prober> {
  const probers = new Map<string, Prober>()
  const add = (path: string, prober: Prober | undefined): void => {
    if (prober !== undefined) probers.set(path, prober)
  }
  for (const container of applicationContainers(draft)) {
    const ports = new Map((container.ports ?? []).map(({ name = '', containerPort = 0 }) => [name, containerPort]))
    ports.delete('')
    const resolve = (port: PortReference): number | undefined => resolvePort(port, { ports, statusPort })
    for (const [field, what] of PROBES) add(probePath(container, what), proberOf(container[field], resolve))
    for (const [field, what] of HOOKS)
      add(hookPath(container, what), hookProberOf(container.lifecycle?.[field], resolve))
  }
  return probers
}

/** Undefined where there is nothing to hand over: an unknown name, or a handler that was rewritten before. */
function resolvePort(
  port: PortReference,
  { ports, statusPort }: { ports: ReadonlyMap<string, number>; statusPort: number },
): number | undefined {
  if (typeof port === 'string') return ports.get(port)
  return port === statusPort ? undefined : port
}

type Resolve = (port: PortReference) => number | undefined

function proberOf(probe: Probe | null | undefined, resolve: Resolve): Prober | undefined {
  const timeoutSeconds = probe?.timeoutSeconds ?? 0
  const timeout = timeoutSeconds === 0 ? {} : { timeoutSeconds }
  const network = hookProberOf(probe, resolve)
  if (network !== undefined) return { ...network, ...timeout }
  if (isSet(probe?.httpGet) || isSet(probe?.tcpSocket) || !isSet(probe?.grpc)) return undefined
  return { grpc: { port: probe.grpc.port ?? 0, service: probe.grpc.service ?? null }, ...timeout }
}

function hookProberOf(handler: Handler | null | undefined, resolve: Resolve): Prober | undefined {
  if (isSet(handler?.httpGet)) {
    const { path, host, scheme, httpHeaders: headers } = handler.httpGet
    const httpHeaders = headers?.map(({ name, value }) => ({ name, value })) // without fields the agent does not know
    const port = resolve(handler.httpGet.port)
    return port === undefined ? undefined : { httpGet: { path, port, host, scheme, httpHeaders } }
  }
  if (!isSet(handler?.tcpSocket)) return undefined
  const port = resolve(handler.tcpSocket.port)
  return port === undefined ? undefined : { tcpSocket: { port, host: handler.tcpSocket.host } }
}

function handProbers(
  sidecar: Container,
  { probers, draft, context }: { probers: ReadonlyMap<string, Prober>; draft: PodDraft; context: PostContext },
): void {
  const env = sidecar.env ?? []
  const wasInjected = Object.hasOwn(draft.annotations, ANNOTATION.status)
  const at = wasInjected ? env.findIndex(({ name }) => name === VARIABLE.appProbers) : -1
  if (at < 0) {
    sidecar.env = [...env, { name: VARIABLE.appProbers, value: probersText(probers) }]
    return
  }
  const older = readProbers(env[at]?.value ?? '')
  if (older === undefined) context.warn(`cannot read the former ${VARIABLE.appProbers}, leaving it as it is`)
  else sidecar.env = env.with(at, { name: VARIABLE.appProbers, value: probersText(new Map([...probers, ...older])) })
}

/** Entries of a former run; undefined when the text is no such JSON. */
function readProbers(text: string): ReadonlyMap<string, Prober> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (value === null) return new Map()
    return typeof value === 'object' && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined
  } catch {
    return undefined
  }
}

/** Written by hand, member by member, since a container's name may be any text. */
function probersText(probers: ReadonlyMap<string, Prober>): string {
  const members = [...probers.keys()].sort().map((path) => `${goJsonText(path)}:${goJsonText(probers.get(path))}`)
  return `{${members.join(',')}}`
}

/** istiod: a text that is no integer counts as 0. */
function rewrittenPort(draft: PodDraft, statusPort: number): number {
  const text = draft.annotations[ANNOTATION.statusPort]
  if (text === undefined) return statusPort
  return /^[+-]?\d+$/.test(text) ? Number(text) : 0
}

function rewriteContainer(container: Container, port: number): void {
  for (const [field, what] of PROBES) {
    const probe = container[field]
    if (isSet(probe)) container[field] = rewriteProbe(probe, { path: probePath(container, what), port })
  }
  if (!isSet(container.lifecycle)) return
  const lifecycle: { -readonly [field in keyof Lifecycle]: Lifecycle[field] } = { ...container.lifecycle }
  for (const [field, what] of HOOKS) {
    const hook = lifecycle[field]
    if (isSet(hook)) lifecycle[field] = rewriteHandler(hook, { path: hookPath(container, what), port })
  }
  container.lifecycle = lifecycle
}

interface AgentAddress {
  readonly path: string
  readonly port: number
}

function rewriteProbe(probe: Probe, to: AgentAddress): Probe {
  if (isSet(probe.httpGet) || isSet(probe.tcpSocket) || !isSet(probe.grpc)) return rewriteHandler(probe, to)
  const { grpc: _grpc, ...rest } = probe
  return { ...rest, httpGet: { ...to } }
}

function rewriteHandler<H extends Handler>(handler: H, to: AgentAddress): H {
  if (isSet(handler.httpGet)) return { ...handler, httpGet: rewriteHttpGet(handler.httpGet, to) }
  if (!isSet(handler.tcpSocket)) return handler
  const { tcpSocket: _tcpSocket, ...rest } = handler
  return { ...rest, httpGet: { ...to } } as unknown as H // the kind of handler changed, everything else is the same
}

/** istiod: host and headers stay, so a probe with a host keeps asking that host. The agent itself speaks TLS for HTTPS. */
function rewriteHttpGet(action: HttpGetAction, to: AgentAddress): HttpGetAction {
  return { ...action, ...to, ...(action.scheme === 'HTTPS' && { scheme: 'HTTP' }) }
}

const isSet = <T>(value: T | null | undefined): value is T => value !== undefined && value !== null
