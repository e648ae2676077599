/** Recorded cases of traffic redirection, and what of an answer must be equal, as the cases' README defines it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedirectCase } from '../../scripts/answer/redirect.ts'

export interface Recorded {
  readonly case: RedirectCase
  readonly answer: Readonly<Record<string, unknown>>
}

/** All cases below the folder of recorded cases. */
export function recordedCases(root: string): Recorded[] {
  const generated = readFileSync(join(root, 'generated.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded)
  const folders = readdirSync(root).filter((name) => existsSync(join(root, name, 'case.json')))
  return [...folders.map((name) => readFolder(join(root, name))), ...generated]
}

const TEXT_FILES = { v4: 'expected.v4.rules', v6: 'expected.v6.rules', nft: 'expected.nft' } as const

function readFolder(path: string): Recorded {
  const { case: input, expect } = JSON.parse(readFileSync(join(path, 'case.json'), 'utf8')) as {
    case: RedirectCase
    expect: Record<string, unknown>
  }
  const texts = Object.entries(TEXT_FILES)
    .filter(([, file]) => existsSync(join(path, file)))
    .map(([key, file]): [string, string] => [key, readFileSync(join(path, file), 'utf8')])
  return { case: input, answer: { ...expect, ...(Object.fromEntries(texts) as Record<string, string>) } }
}

/** What must be equal, in a form in which equal answers are deeply equal. */
export function essence(answer: Readonly<Record<string, unknown>>): unknown {
  const { ok, exit, backend, cleanup } = answer
  const cni = answer['cni'] as Record<string, unknown> | undefined
  const error = cni?.['error'] as { code?: unknown } | undefined
  return {
    ok,
    exit,
    backend,
    cleanup,
    sideEffects: asSets(answer['sideEffects'] as Record<string, string[]> | undefined),
    v4: iptablesChains(answer['v4'] as string | undefined),
    v6: iptablesChains(answer['v6'] as string | undefined),
    nft: nftChains(answer['nft'] as string | undefined),
    decision: cni?.['decision'],
    redirect: cni?.['redirect'],
    result: cni?.['result'],
    code: error?.code,
  }
}

function asSets(effects: Record<string, string[]> = {}): Record<string, string[]> {
  return Object.fromEntries(Object.entries(effects).map(([kind, list]) => [kind, [...list].sort()]))
}

/** Table and chain -> rules in the order in which the kernel then holds them. */
function iptablesChains(text: string | undefined): Record<string, string[]> | undefined {
  if (text === undefined) return undefined
  const chains: Record<string, string[]> = {}
  let table = ''
  for (const line of text.split('\n')) {
    const words = line.split(/\s+/).filter((word) => word !== '')
    const [command = '', chain = '', ...rest] = words
    if (command.startsWith('*')) table = command.length > 1 ? command.slice(1) : chain
    const rules = (chains[`${table} ${chain}`] ??= [])
    if (command === '-A') rules.push(rest.join(' '))
    if (command === '-I') rules.splice(Number(rest[0]) - 1, 0, rest.slice(1).join(' '))
  }
  return chains
}

function nftChains(text: string | undefined): Record<string, string[]> | undefined {
  if (text === undefined) return undefined
  const chains: Record<string, string[]> = {}
  for (const line of text.split('\n')) {
    const words = line.split(/\s+/).filter((word) => word !== '' && word !== 'counter')
    const [verb = '', object = '', family = '', table = '', chain = '', ...rest] = words
    const rules = (chains[`${family} ${table} ${object === 'rule' || object === 'chain' ? chain : ''}`] ??= [])
    if (object === 'chain' || object === 'table') rules.push(`${verb} ${rest.join(' ')}`)
    else if (verb === 'add') rules.push(rest.join(' '))
    else if (verb === 'insert') rules.splice(Number(rest[1]) + 1, 0, rest.slice(2).join(' '))
  }
  return chains
}
