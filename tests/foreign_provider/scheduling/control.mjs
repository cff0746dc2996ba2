// What a test needs and no caller may do: harness/serving/control.openapi.yaml.
import { parse } from 'yaml'
import { Problem } from './http.mjs'
import { newId, now, put, remove, setClock, start } from './scheduling.mjs'

const PREFIX = { Slot: 'slt', Appointment: 'apt' }
const UNITS = { D: 86_400_000, H: 3_600_000, M: 60_000, S: 1000 }
const ok = (body) => ({ status: 200, body })
const clock = () => ok({ now: now().toISOString() })

/** The instances that the contract gives as examples of its aggregates. */
export function examplesOf(contract) {
  const { schemas } = parse(contract).components
  return Object.fromEntries(Object.keys(PREFIX).map((type) => [type, schemas[type].examples]))
}

export function control(examples) {
  function changeState({ body: { state, action, parameters = {} } }) {
    const type = String(state).replace(/ exists$/, '')
    if (!(type in PREFIX)) throw new Problem(422, 'There is no such schema.')
    if (action === 'teardown') {
      remove(type, parameters.id)
      return ok({ type, document: null, version: 0 })
    }
    const alike = (doc, name) => (doc[name] === parameters[name]) * (name === 'status' ? 100 : 1)
    const weight = (doc) => Object.keys(parameters).reduce((sum, name) => sum + alike(doc, name), 0)
    const best = examples[type].reduce((one, other) => (weight(other) > weight(one) ? other : one))
    const { doc, version } = put(type, { ...best, id: newId(PREFIX[type]), ...parameters })
    return ok({ type, document: doc, version })
  }

  function reset({ body: { seed = true } }) {
    start(seed ? examples : {})
    return { status: 204 }
  }

  function advance({ body: { by } }) {
    const parts = [...String(by).matchAll(/([\d.]+)([DHMS])/g)]
    setClock(parts.reduce((sum, [, count, unit]) => sum + count * UNITS[unit], +now()))
    return clock()
  }

  function set({ body }) {
    if (Number.isNaN(Date.parse(body.now))) throw new Problem(400, 'That is no time.')
    setClock(Date.parse(body.now))
    return clock()
  }

  const any = () => true
  return {
    'POST /states': { run: changeState, body: { state: any, action: any, 'parameters?': any } },
    'POST /reset': { run: reset, body: { 'seed?': any } },
    'GET /clock': { run: clock },
    'PUT /clock': { run: set, body: { now: any } },
    'POST /clock/advance': { run: advance, body: { by: any } },
    'GET /health': { run: () => ok({ status: 'ok' }) },
  }
}
