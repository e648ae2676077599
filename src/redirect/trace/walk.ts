/** Follows a packet through a ruleset: every rule it meets, and where it ends. Pure. */
import { formatAddress, parseAddress, type Address } from '../addresses.ts'
import type { Hook, Packet, Ruleset, TracedChain, TracedRule, TracedTable, Travelling, Verdict } from './packet.ts'

export interface Step {
  readonly hook: Hook
  readonly table: TracedTable
  readonly chain: string
  readonly rule: string
  /** What the rule does to the packet. */
  readonly effect: string
}

export type End =
  /** A port of this namespace, after a redirection. */
  | { readonly at: 'redirected'; readonly port: number }
  /** A port of this namespace that keeps both addresses. */
  | { readonly at: 'tproxy'; readonly port: number }
  | { readonly at: 'dropped' }
  /** Delivered here, as it was addressed. */
  | { readonly at: 'local'; readonly port: number }
  /** Left by its interface, as it was addressed. */
  | { readonly at: 'left'; readonly interface: string }

export interface Trace {
  readonly steps: readonly Step[]
  readonly end: End
  /** Rules that were met and could not be read. */
  readonly unknown: readonly string[]
}

/** A chain jumping to itself would never end; the kernel refuses such a ruleset, a text does not. */
const MAX_DEPTH = 16

/** Where the packet goes. */
export function tracePacket(packet: Packet, ruleset: Ruleset): Trace {
  const walk = new Walk(ruleset)
  return { end: walk.follow(packet), steps: walk.steps, unknown: walk.unknown }
}

type Outcome = 'continue' | 'stop' | 'dropped'

/** One packet's way: what it is now, and what it met. */
class Walk {
  readonly steps: Step[] = []
  readonly unknown: string[] = []
  readonly #ruleset: Ruleset
  #packet: Travelling = NOWHERE
  #redirected: number | undefined
  #proxied: number | undefined

  constructor(ruleset: Ruleset) {
    this.#ruleset = ruleset
  }

  follow(packet: Packet): End {
    const outgoing = packet.direction === 'out'
    const inInterface = outgoing ? '' : packet.interface
    const outInterface = outgoing ? packet.interface : ''
    this.#packet = { ...packet, hook: outgoing ? 'OUTPUT' : 'PREROUTING', inInterface, outInterface }
    if (!this.#pass(['raw', 'mangle', 'nat'])) return { at: 'dropped' }
    if (this.#packet.outInterface !== 'lo') return this.#endOf(packet)
    // What leaves by lo comes in again. Its connection has its translation by then: the nat table is not asked twice.
    this.#packet = { ...this.#packet, hook: 'PREROUTING', inInterface: 'lo', outInterface: '' }
    if (!this.#pass(['raw', 'mangle'])) return { at: 'dropped' }
    return this.#endOf({ ...packet, direction: 'in' })
  }

  #endOf({ direction, interface: name }: Packet): End {
    if (this.#proxied !== undefined) return { at: 'tproxy', port: this.#proxied }
    if (this.#redirected !== undefined) return { at: 'redirected', port: this.#redirected }
    return direction === 'in' ? { at: 'local', port: this.#packet.destinationPort } : { at: 'left', interface: name }
  }

  /** Whether the packet survives the tables of its hook. */
  #pass(tables: readonly TracedTable[]): boolean {
    for (const chain of this.#ruleset.entries[this.#packet.hook]) {
      if (!tables.includes(chain.table)) continue
      // The nat table sees the first packet of a connection only.
      if (chain.table === 'nat' && this.#packet.state !== 'NEW') continue
      if (this.#enter(chain, 0) === 'dropped') return false
    }
    return true
  }

  #enter(chain: TracedChain, depth: number): Outcome {
    if (depth > MAX_DEPTH) return 'continue'
    for (const rule of chain.rules) {
      if (rule.unknown !== undefined) this.unknown.push(`${rule.text}: ${rule.unknown}`)
      if (!rule.matches(this.#packet)) continue
      this.#note(chain, rule)
      const { verdict } = rule
      if (verdict.do === 'return') return 'continue'
      const outcome = this.#obey(verdict, { chain, depth })
      if (outcome !== 'continue' || verdict.do === 'goto') return outcome
    }
    return 'continue'
  }

  #note({ table, name }: TracedChain, { text, verdict }: TracedRule): void {
    this.steps.push({ hook: this.#packet.hook, table, chain: name, rule: text, effect: effectOf(verdict) })
  }

  #obey(verdict: Verdict, { chain, depth }: { chain: TracedChain; depth: number }): Outcome {
    switch (verdict.do) {
      case 'return':
      case 'continue':
        return 'continue'
      case 'accept':
        return 'stop'
      case 'drop':
        return 'dropped'
      case 'jump':
      case 'goto': {
        const next = this.#ruleset.chain(chain.table, verdict.chain)
        return next === undefined ? 'continue' : this.#enter(next, depth + 1)
      }
      case 'setMark':
        this.#packet = { ...this.#packet, mark: verdict.mark }
        return 'continue'
      case 'saveMark':
        this.#packet = { ...this.#packet, connectionMark: this.#packet.mark }
        return 'continue'
      case 'restoreMark':
        this.#packet = { ...this.#packet, mark: this.#packet.connectionMark }
        return 'continue'
      case 'redirect':
        return this.#redirect(verdict.port)
      case 'tproxy':
        this.#proxied = verdict.port
        this.#packet = { ...this.#packet, mark: verdict.mark ?? this.#packet.mark }
        return 'stop'
    }
  }

  /** What is made here and redirected goes to the loopback address by lo. */
  #redirect(port: number): Outcome {
    this.#redirected = port
    const outgoing = this.#packet.hook === 'OUTPUT'
    const destination = outgoing ? loopbackOf(this.#packet) : this.#packet.destination
    const outInterface = outgoing ? 'lo' : this.#packet.outInterface
    this.#packet = { ...this.#packet, destination, destinationPort: port, outInterface }
    return 'stop'
  }
}

const LOOPBACK_V4: Address = { family: 'v4', bytes: [127, 0, 0, 1] }
const LOOPBACK_V6: Address = { family: 'v6', bytes: [...new Array<number>(15).fill(0), 1] }

function loopbackOf({ family }: Packet): Address {
  return family === 'v4' ? LOOPBACK_V4 : LOOPBACK_V6
}

const NOWHERE: Travelling = {
  direction: 'out',
  family: 'v4',
  protocol: 'tcp',
  source: LOOPBACK_V4,
  destination: LOOPBACK_V4,
  sourcePort: 0,
  destinationPort: 0,
  interface: '',
  mark: 0,
  connectionMark: 0,
  state: 'NEW',
  hook: 'OUTPUT',
  inInterface: '',
  outInterface: '',
}

function effectOf(verdict: Verdict): string {
  switch (verdict.do) {
    case 'jump':
    case 'goto':
      return `goes on in ${verdict.chain}`
    case 'redirect':
      return `is redirected to port ${verdict.port}`
    case 'tproxy':
      return `is handed to port ${verdict.port} with its addresses`
    case 'setMark':
      return `gets mark ${verdict.mark}`
    case 'saveMark':
      return "saves its mark as the connection's"
    case 'restoreMark':
      return "gets the connection's mark"
    case 'return':
      return 'returns from the chain'
    case 'accept':
      return 'passes the table'
    case 'drop':
      return 'is dropped'
    case 'continue':
      return 'goes on'
  }
}

/** A trace as text: one line a rule, and the end. */
export function formatTrace({ steps, end, unknown }: Trace): string {
  const lines = steps.map(({ hook, table, chain, rule, effect }) => `${hook} ${table} ${chain}: ${rule}\n    ${effect}`)
  const warnings = unknown.map((text) => `not understood, taken as not matching: ${text}`)
  return [...lines, ...warnings, formatEnd(end), ''].join('\n')
}

/** The end as a sentence. */
export function formatEnd(end: End): string {
  switch (end.at) {
    case 'redirected':
      return `=> redirected to port ${end.port} of this namespace`
    case 'tproxy':
      return `=> handed to port ${end.port} of this namespace, addresses kept (TPROXY)`
    case 'dropped':
      return '=> dropped'
    case 'local':
      return `=> delivered to port ${end.port}, not redirected`
    case 'left':
      return `=> leaves by ${end.interface}, not redirected`
  }
}

/** An address as packets have it. @throws RangeError */
export function packetAddress(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new RangeError(`expected an IP address, got ${JSON.stringify(text)}`)
  return address
}

/** One line about a packet. */
export function formatPacket(packet: Packet): string {
  const { direction, protocol, source, destination, sourcePort, destinationPort, interface: name, uid, gid } = packet
  const owner = uid === undefined ? '' : ` uid ${uid} gid ${gid ?? uid}`
  return `${direction} ${protocol} ${formatAddress(source)}:${sourcePort} -> ${formatAddress(destination)}:${destinationPort} ${name}${owner}`
}
