import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildHealthApp } from '../../../src/server/app.ts'
import { createHealth, type Health } from '../../../src/server/health.ts'

const state: { problem: string | undefined } = { problem: undefined }

function health(problem?: string): Health {
  state.problem = problem
  return createHealth([
    { name: 'config', problem: () => state.problem },
    { name: 'certificate', problem: () => undefined },
  ])
}

const get = async (of: Health, url: string) => buildHealthApp(of).inject({ url })

for (const url of ['/livez', '/readyz', '/startupz', '/ready']) {
  test(`${url}: ok while everything holds`, async () => {
    const answer = await get(health(), url)
    assert.deepEqual([answer.statusCode, answer.body], [200, 'ok'])
  })
}

test('/readyz: names what is missing', async () => {
  const answer = await get(health('none loaded yet'), '/readyz')
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.body, '[-]config none loaded yet\n[+]certificate ok\n[+]drain ok\nreadyz check failed\n')
})

test('/readyz?verbose: lists what holds', async () => {
  const answer = await get(health(), '/readyz?verbose')
  assert.equal(answer.body, '[+]config ok\n[+]certificate ok\n[+]drain ok\nreadyz check passed\n')
})

test('/readyz and /ready: no while draining, but alive', async () => {
  const draining = health()
  draining.draining = true
  assert.equal((await get(draining, '/readyz')).statusCode, 503)
  assert.equal((await get(draining, '/ready')).statusCode, 503)
  assert.equal((await get(draining, '/livez')).statusCode, 200)
})

test('/startupz: once started, started for good', async () => {
  const slow = health('none loaded yet')
  assert.equal((await get(slow, '/startupz')).statusCode, 503)
  state.problem = undefined
  assert.equal((await get(slow, '/startupz')).statusCode, 200)
  state.problem = 'lost'
  assert.equal((await get(slow, '/startupz')).statusCode, 200)
  assert.equal((await get(slow, '/readyz')).statusCode, 503)
})
