/** Finds out which part of the kernel is missing, once it has refused rules: each extension is tried alone. */
import { kernelModules, type IptablesRule } from './iptables.ts'
import type { IptablesTools } from './detect.ts'
import type { Run } from './run.ts'

/** A chain that nothing leads to. */
const CHAIN = 'ISTIO_PREFLIGHT'

/**
 * Names of the modules that the kernel lacks, of those that `rules` need. Each is tried in a chain that nothing leads
 * to and that is removed again; empty when the kernel takes them all.
 */
export async function missingModules(
  rules: readonly IptablesRule[],
  { tools, run }: { tools: IptablesTools; run: Run },
): Promise<string[]> {
  const missing: string[] = []
  const restore = (text: string): ReturnType<Run> =>
    run(`${tools.name}-restore`, ['--noflush', ...tools.wait], { stdin: text })
  for (const [module, rule] of representatives(rules)) {
    const { table, words } = rule
    const tried = await restore(`*${table}\n:${CHAIN} - [0:0]\n-A ${CHAIN} ${words.join(' ')}\nCOMMIT\n`)
    if (tried.exitCode !== 0) missing.push(module)
    await restore(`*${table}\n:${CHAIN} - [0:0]\n-F ${CHAIN}\n-X ${CHAIN}\nCOMMIT\n`)
  }
  return missing
}

/** For each module the rule that needs the fewest others beside it. Jumps to our chains are replaced: those are not there. */
function representatives(rules: readonly IptablesRule[]): ReadonlyMap<string, IptablesRule> {
  const found = new Map<string, IptablesRule>()
  const bySize = rules
    .map((rule) => ({ ...rule, words: withoutJump(rule.words) }))
    .toSorted((a, b) => kernelModules([a]).length - kernelModules([b]).length)
  for (const rule of bySize) for (const module of kernelModules([rule])) if (!found.has(module)) found.set(module, rule)
  return found
}

function withoutJump(words: readonly string[]): readonly string[] {
  return (words.at(-1) ?? '').startsWith('ISTIO_') ? [...words.slice(0, -1), 'RETURN'] : words
}
