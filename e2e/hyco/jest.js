'use strict'
// The words of Jest that the tests of hyco-https use, for Node's own test runner:
// it is there already, and Jest is 230 packages.
//
//   node --require ./jest.js --test-force-exit FILE
const assert = require('node:assert')
const test = require('node:test')

const limit = 30_000 // milliseconds of a test

globalThis.describe = test.describe
globalThis.test = (name, body) => test.test(name, { timeout: limit }, (_, done) => body(done))
globalThis.expect = (got) => ({
  toBe: (want) => assert.ok(Object.is(got, want), `${show(got)}, want ${show(want)}`),
  toBeDefined: () => assert.notStrictEqual(got, undefined),
  toBeUndefined: () => assert.strictEqual(got, undefined)
})
globalThis.jest = { setTimeout () {}, clearAllTimers () {} }

function show (value) {
  return typeof value === 'string' && value.length > 100 ? `a text of ${value.length}` : String(value)
}
