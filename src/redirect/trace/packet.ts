/** The packet that is followed, and what a ruleset looks like to it. Pure. */
import type { Address, Family } from '../addresses.ts'

export type ConnectionState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID'

export interface Packet {
  /** `out`: made by a process of the pod; `in`: arriving at it. */
  readonly direction: 'in' | 'out'
  readonly family: Family
  readonly protocol: 'tcp' | 'udp'
  readonly source: Address
  readonly destination: Address
  readonly sourcePort: number
  readonly destinationPort: number
  /** Interface it leaves by (`out`) or came in by (`in`). */
  readonly interface: string
  /** Owner of the socket; only packets that are made here have one. */
  readonly uid?: number
  readonly gid?: number
  readonly mark: number
  readonly connectionMark: number
  readonly state: ConnectionState
}

/** A packet on its way: where it is and what was done to it. */
export interface Travelling extends Packet {
  readonly hook: Hook
  readonly inInterface: string
  readonly outInterface: string
}

export type Hook = 'PREROUTING' | 'OUTPUT'
export const TABLE_ORDER = ['raw', 'mangle', 'nat'] as const
export type TracedTable = (typeof TABLE_ORDER)[number]

export type Verdict =
  | { readonly do: 'return' | 'accept' | 'drop' | 'saveMark' | 'restoreMark' | 'continue' }
  | { readonly do: 'jump' | 'goto'; readonly chain: string }
  | { readonly do: 'redirect'; readonly port: number }
  | { readonly do: 'tproxy'; readonly port: number; readonly mark: number | undefined }
  | { readonly do: 'setMark'; readonly mark: number }

export interface TracedRule {
  /** As its source spells it. */
  readonly text: string
  readonly matches: (packet: Travelling) => boolean
  readonly verdict: Verdict
  /** A part that is not understood; the rule then never matches. */
  readonly unknown?: string
}

export interface TracedChain {
  readonly table: TracedTable
  readonly name: string
  readonly rules: readonly TracedRule[]
}

/** Chains by name within their table; those that packets enter first are listed by hook, in the kernel's order. */
export interface Ruleset {
  readonly entries: Readonly<Record<Hook, readonly TracedChain[]>>
  readonly chain: (table: TracedTable, name: string) => TracedChain | undefined
}
