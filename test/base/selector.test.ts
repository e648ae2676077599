/** Label selectors as predicates. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSelector } from '../../src/base/selector.ts'
import type { Labels, LabelSelector } from '../../src/base/selector.ts'

const MATCHES: { name: string; selector: LabelSelector; labels: Labels; want: boolean }[] = [
  { name: 'an empty selector matches everything', selector: {}, labels: {}, want: true },
  { name: 'matchLabels needs the value', selector: { matchLabels: { a: 'b' } }, labels: { a: 'b' }, want: true },
  {
    name: 'matchLabels fails on another value',
    selector: { matchLabels: { a: 'b' } },
    labels: { a: 'c' },
    want: false,
  },
  { name: 'In fails on an absent label', selector: expression('In', ['x']), labels: {}, want: false },
  { name: 'NotIn matches an absent label', selector: expression('NotIn', ['x']), labels: {}, want: true },
  { name: 'NotIn fails on a listed value', selector: expression('NotIn', ['x']), labels: { k: 'x' }, want: false },
  { name: 'Exists needs the key', selector: expression('Exists'), labels: { k: '' }, want: true },
  { name: 'DoesNotExist refuses the key', selector: expression('DoesNotExist'), labels: { k: '' }, want: false },
  {
    name: 'names of object members are no labels',
    selector: { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
    labels: {},
    want: false,
  },
]
for (const { name, selector, labels, want } of MATCHES) {
  test(`selector: ${name}`, () => {
    const compiled = compileSelector(selector)
    assert.ok('matches' in compiled)
    assert.equal(compiled.matches(labels), want)
  })
}

const REFUSED: { name: string; selector: LabelSelector }[] = [
  { name: 'an unknown operator', selector: expression('Near', ['x']) },
  { name: 'In without values', selector: expression('In', []) },
  { name: 'Exists with values', selector: expression('Exists', ['x']) },
  { name: 'a key that is no qualified name', selector: { matchLabels: { 'a b': 'c' } } },
  { name: 'a value that is no label value', selector: { matchLabels: { a: '-' } } },
]
for (const { name, selector } of REFUSED) {
  test(`selector: ${name} is refused`, () => assert.ok('problem' in compileSelector(selector)))
}

function expression(operator: string, values?: string[]): LabelSelector {
  return { matchExpressions: [{ key: 'k', operator, ...(values && { values }) }] }
}
