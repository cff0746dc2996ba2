// What all operations have in common: who asks, whether the request keeps the contract, how answers look.
import { createPublicKey, randomUUID, verify } from 'node:crypto'
import { STATUS_CODES, createServer } from 'node:http'

const MOST_BYTES = 64 * 1024
const CORRELATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const IS_JSON = /^application\/json *(;|$)/i, JSON_IS_FINE = /^$|\*\/\*|application\/(\*|json)/i
const TRACE = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const hex = (length) => randomUUID().replaceAll('-', '').slice(-length)
export const newTrace = () => `00-${hex(32)}-${hex(16)}-01`

export class Problem extends Error {
  constructor(status, detail, errors, headers) {
    super(detail)
    const body = { type: 'about:blank', title: STATUS_CODES[status], status, detail, errors }
    Object.assign(this, { status, headers, body })
  }
}

/** Who asks may not; `patient` is whose it is, which is no part of the answer. */
export const denied = (status, detail, patient) => Object.assign(new Problem(status, detail), { patient })

/**
 * Serves {'POST /path/{id}': operation} on loopback; gives the address, once it answers. `accessed` is told of
 * every access to what is some patient's.
 */
export function serve(operations, port, authenticate, accessed) {
  const routes = Object.entries(operations).map(([route, operation]) => {
    const [method, path] = route.split(' ')
    return { method, path: new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`), ...operation }
  })
  const by = { authenticate, accessed }
  const server = createServer(async (request, response) => {
    const named = request.headers['x-correlation-id'] ?? ''
    const correlation = CORRELATION.test(named) ? named : randomUUID()
    const { status, body, headers } = await answer(request, routes, by, correlation).catch(refusal)
    const type = body && { 'Content-Type': `application/${status < 400 ? '' : 'problem+'}json` }
    response.writeHead(status, { 'X-Correlation-Id': correlation, ...type, ...headers })
    response.end(body && JSON.stringify(body))
  })
  return new Promise((ready, failed) => {
    server.once('error', failed)
    server.listen(Number(port), '127.0.0.1', () => ready(`http://127.0.0.1:${server.address().port}`))
  })
}

function refusal(error) {
  if (error instanceof Problem) return error
  console.error(error.stack)
  return new Problem(500, 'Something went wrong here.')
}

/** In the contract's order: 401, 403, then 400, 406, 413, 415; an operation sees to what its state decides. */
async function answer(request, routes, { authenticate, accessed }, correlation) {
  const { headers, method, url } = request
  const [pathname, search] = url.split(/\?(.*)/s)
  const there = routes.filter(({ path }) => path.test(pathname))
  if (!there.length) throw new Problem(404, 'There is no such path.')
  const operation = there.find((each) => each.method === method)
  const Allow = there.map((each) => each.method)
  if (!operation) throw new Problem(405, 'Not with this method.', undefined, { Allow })
  const claims = authenticate?.(headers.authorization)
  const bytes = operation.body ? await read(request) : ''
  const body = bytes.length ? decoded(bytes) : {}, path = { ...pathname.match(operation.path).groups }
  const asked = { claims, method, headers, path, query: Object.fromEntries(new URLSearchParams(search)), body }
  const traceparent = TRACE.test(headers.traceparent) ? headers.traceparent : newTrace()
  const cause = { correlation, causation: correlation, traceparent }
  const tell = (patient, outcome) => {
    if (operation.id && patient) accessed(operation.id, asked, patient, outcome, cause)
  }
  try {
    const given = carriedOut(operation, asked, bytes, cause)
    tell(path.patientId ?? body?.patientId ?? given.body?.patientId, 'granted')
    return given
  } catch (error) {
    tell(error.patient, 'denied')
    throw error
  }
}

function carriedOut(operation, asked, bytes, cause) {
  const { headers } = asked
  if (asked.claims) authorise(operation, asked)
  if (!JSON_IS_FINE.test(headers.accept ?? '')) throw new Problem(406, 'This answers with JSON.')
  if (bytes.length > MOST_BYTES) throw new Problem(413, 'The body is too large.')
  if (bytes.length && !IS_JSON.test(headers['content-type'])) throw new Problem(415, 'Send JSON.')
  validate(operation, asked)
  return operation.run({ ...asked, access: operation.access, cause })
}

async function read(request) {
  let length = 0
  const chunks = []
  for await (const chunk of request) if ((length += chunk.length) <= 2 * MOST_BYTES) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function decoded(bytes) {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return null
  }
}

// Who asks: a JWT that one of the known keys signed with ES256, for this issuer and audience, not expired.

export function authenticator(jwks, issuer, audience) {
  const keys = new Map(jwks.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]))
  return (header = '') => {
    const claims = genuine(header.replace(/^bearer +/i, ''), keys)
    const ours = claims?.iss === issuer && [claims.aud].flat().includes(audience) && claims.sub
    if (ours && claims.exp > Date.now() / 1000) return claims
    const challenge = { 'WWW-Authenticate': 'Bearer realm="portal"' }
    throw new Problem(401, 'A valid bearer token is needed.', undefined, challenge)
  }
}

function genuine(token, keys) {
  const [head, claims, signature] = token.split('.'), from = (part) => Buffer.from(part, 'base64url')
  try {
    const { alg, kid } = JSON.parse(from(head))
    if (alg !== 'ES256') return null // a token does not choose how it is checked
    const key = { key: keys.get(kid), dsaEncoding: 'ieee-p1363' }
    const signed = verify('sha256', Buffer.from(`${head}.${claims}`), key, from(signature))
    return signed ? JSON.parse(from(claims)) : null
  } catch {
    return null
  }
}

/** What proxy-consent has told of grants, by id: {proxy, patient, holds}. A token may be older than that. */
export const grants = new Map()

function isGranted({ sub }, patient) {
  const told = [...grants.values()].filter((each) => each.proxy === sub && each.patient === patient)
  return !told.length || told.some(({ holds }) => holds)
}

const RELATIONS = { // the words of x-access
  any: () => true,
  own: (claims, patient) => claims.patient === patient,
  granted: (claims, patient) => [claims.proxy_for].flat().includes(patient) && isGranted(claims, patient),
  treating: (claims, patient) => [claims.treats].flat().includes(patient),
}
export const may = (access, claims, patient) => Boolean(RELATIONS[access[claims.actor]]?.(claims, patient))

function authorise({ scope, access }, { claims, path, body }) {
  const scoped = claims.scope?.split(' ').includes(scope)
  const patient = path.patientId ?? body?.patientId // x-subject; elsewhere it is what is stored that decides
  const related = patient === undefined ? access[claims.actor] : may(access, claims, patient)
  if (!scoped || !related) throw denied(403, 'This token does not permit it.', patient)
}

function validate({ params = {}, query = {}, headers = {}, body }, asked) {
  const sent = { ...asked.headers }, tests = { ...headers, 'X-Correlation-Id?': (text) => CORRELATION.test(text) }
  for (const name of Object.keys(tests).map(bare)) sent[name] = sent[name.toLowerCase()]
  const errors = [...wrong(params, asked.path, '/path'), ...wrong(query, asked.query, '/query')]
  errors.push(...wrong(tests, sent, '/header'), ...(body ? wrong(body, asked.body, '', true) : []))
  if (errors.length) throw new Problem(400, 'The request does not keep the contract.', errors)
}

const bare = (name) => name.replace('?', '')

/** What is wrong with an object: {name: test}, where `name?` may be missing; a closed one has nothing else. */
export function wrong(tests, value, at = '', closed = false) {
  if (value === null || typeof value !== 'object') return [{ pointer: at, detail: 'is no JSON object' }]
  const bad = ([name, test]) => (value[bare(name)] === undefined ? !name.endsWith('?') : !test(value[bare(name)]))
  const names = Object.entries(tests).filter(bad).map(([name]) => bare(name))
  const errors = names.map((name) => ({ pointer: `${at}/${name}`, detail: 'is missing or not as documented' }))
  const strange = closed && Object.keys(value).some((name) => !(name in tests || `${name}?` in tests))
  return strange ? [...errors, { pointer: at, detail: 'has what is not documented' }] : errors
}
