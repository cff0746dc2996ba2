// node main.mjs --jwks FILE [--port N] [--kafka HOST:PORT] [--control-port N] [--fault NAME]
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { control, examplesOf } from './control.mjs'
import { authenticator, serve } from './http.mjs'
import { connect } from './kafka.mjs'
import { accessed, newId, operations, received, start } from './scheduling.mjs'

const text = (fallback) => ({ type: 'string', default: fallback })
const options = {
  jwks: text('jwks.json'), // the public keys of whoever makes our tokens
  issuer: text('https://portal.invalid/development'),
  audience: text('portal'),
  contract: text('contracts/scheduling/openapi.yaml'), // for the examples that we begin with
  port: text('8080'),
  'control-port': text(), // without it nobody can make states or move the clock
  kafka: text(),
  'free-slots': text('0'), // so many more than the contract's examples
  fault: text(), // what we do wrong on purpose: silent-cancel or leak
}
const given = parseArgs({ options }).values
const examples = examplesOf(readFileSync(given.contract, 'utf8'))
const free = Array.from({ length: Number(given['free-slots']) }, () => ({ ...examples.Slot[0], id: newId('slt') }))
start({ ...examples, Slot: [...examples.Slot, ...free] }, given.fault)
if (given.kafka) await connect(given.kafka, received)
const { keys } = JSON.parse(readFileSync(given.jwks, 'utf8'))
const authenticate = authenticator(keys, given.issuer, given.audience)
const addresses = { service: await serve(operations, given.port, authenticate, accessed) }
if (given['control-port']) addresses.control = await serve(control(examples), given['control-port'])
console.log(JSON.stringify(addresses)) // all of it answers now
