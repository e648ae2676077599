/** A pod's scrape annotations, in all spellings Prometheus takes for the same label. */
import { ANNOTATION } from '../api/names.ts'

export type ScrapeKey = 'scrape' | 'port' | 'path' | 'targets'

const KEY_OF_LABEL: ReadonlyMap<string, ScrapeKey> = new Map([
  [labelName(ANNOTATION.prometheusScrape), 'scrape'],
  [labelName(ANNOTATION.prometheusPort), 'port'],
  [labelName(ANNOTATION.prometheusPath), 'path'],
  [labelName(ANNOTATION.prometheusTargets), 'targets'],
])

/** The name Prometheus gives an annotation: `prometheus.io/port` and `prometheus_io-port` are one. */
export function labelName(annotation: string): string {
  return annotation.replace(/[^A-Za-z0-9_]/gu, '_')
}

/** What the scrape annotations say. istiod takes a random one of several spellings; we take the first in byte order. */
export function scrapeAnnotations(annotations: Readonly<Record<string, string>>): ReadonlyMap<ScrapeKey, string> {
  const found = new Map<ScrapeKey, string>()
  for (const name of scrapeNames(annotations)) {
    const key = KEY_OF_LABEL.get(labelName(name))
    if (key !== undefined && !found.has(key)) found.set(key, annotations[name] ?? '')
  }
  return found
}

/** The same annotations without any spelling of the four. */
export function withoutScrapeAnnotations(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const removed = new Set(scrapeNames(annotations))
  if (removed.size === 0) return { ...annotations }
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !removed.has(name)))
}

function scrapeNames(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(annotations)
    .filter((name) => name.startsWith('prometheus') && KEY_OF_LABEL.has(labelName(name)))
    .sort()
}
