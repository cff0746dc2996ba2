// Slots and appointments: what they may turn into, who sees and changes them, and what is told of it.
import { createHmac, randomBytes } from 'node:crypto'
import { denied, grants, may, newTrace, Problem, wrong } from './http.mjs'
import { publish } from './kafka.mjs'
import { ANSWER, BOOKING, CANCELLING, HOLDING, KEY, MOVING, PAGE, SEARCH, STATUSES, VERSION } from './looks.mjs'
import { EXPORT, GRANT, ids, PATIENT, PROVIDER } from './looks.mjs'

const HOLD = 600_000, WAIT = 86_400_000, ANSWERED = 60_000 // milliseconds
const things = { Slot: new Map(), Appointment: new Map() } // {type, doc, version, since, asked, correlation}
const booked = new Map() // what was answered, by Idempotency-Key
const heard = new Map() // ids of messages, and the sequence that each thing of other services has come to
const merged = new Map() // which patient's record became whose
const secret = randomBytes(32)
let ahead = 0, fault

export const now = () => new Date(Date.now() + ahead)
export const newId = (prefix) => `${prefix}-${randomBytes(6).toString('hex')}`
export const remove = (type, id) => things[type].delete(id)

export function setClock(milliseconds) {
  ahead = milliseconds - Date.now()
  tick()
}

export function start(examples, broken = fault) {
  for (const each of [things.Slot, things.Appointment, booked, heard, merged, grants]) each.clear()
  ahead = 0
  fault = broken
  for (const [type, docs] of Object.entries(examples)) for (const doc of docs) put(type, doc)
}

export function put(type, doc, correlation = newId('put')) {
  const it = { type, doc, version: 1, since: now(), asked: now(), correlation }
  things[type].set(doc.id, it)
  return it
}

// What changes: a change, its version and its event are one step, and nothing comes between.

const UNHELD = { heldFor: undefined, heldUntil: undefined }
const SETTLED = { pendingReason: undefined, selfPay: undefined }
const UNKNOWN = 'eligibility-unknown'
const unanswered = (pendingReason) => ({ pendingReason, selfPay: true })
const AGAIN = { pendingReason: 'awaiting-eligibility', selfPay: undefined }

const isWaiting = ({ doc }) => doc.status === 'pending' && doc.pendingReason === AGAIN.pendingReason

function move(it, status, reason, cause, fields) {
  const from = it.doc.status
  if (status !== from) Object.assign(it, { since: now(), correlation: cause.correlation })
  if (fields?.pendingReason === AGAIN.pendingReason && !isWaiting(it)) it.asked = now()
  it.doc = { ...it.doc, ...fields, status }
  it.version++
  tell(it, from, reason, cause)
}

function tell({ type, doc, version }, from, reason, cause) {
  if (fault === 'silent-cancel' && type === 'Appointment' && reason === 'cancelled') return
  const { id, start, confidentiality = 'N' } = doc
  const occurredAt = now().toISOString()
  const told = { id, version, from, to: doc.status, reason, occurredAt, confidentiality, start }
  const { providerId, locationId, specialty, patientId, slotId, previousSlotId, pendingReason, selfPay } = doc
  if (type === 'Slot') Object.assign(told, { providerId, locationId, specialty })
  else Object.assign(told, { patientId, slotId, previousSlotId, pendingReason, selfPay })
  publish(`portal.scheduling.${type}Changed`, `portal.scheduling.${type.toLowerCase()}.v1`, told, cause)
}

function free(slotId, reason, cause) {
  const slot = things.Slot.get(slotId)
  if (slot?.doc.status === 'busy') move(slot, 'free', reason, cause)
}

function tick() {
  const isDue = (status, time) => (it) => it.doc.status === status && now() - it.since >= time
  const cause = (it) => ({ correlation: it.correlation, causation: it.doc.id, traceparent: newTrace() })
  const held = [...things.Slot.values()].filter(isDue('busy-tentative', HOLD))
  for (const it of held) move(it, 'free', 'expired', cause(it), UNHELD)
  for (const it of things.Appointment.values()) {
    if (isWaiting(it) && now() - it.asked >= ANSWERED) move(it, 'pending', UNKNOWN, cause(it), unanswered(UNKNOWN))
  }
  for (const it of [...things.Appointment.values()].filter(isDue('pending', WAIT))) {
    const because = cause(it)
    move(it, 'cancelled', 'expired', because, { ...SETTLED, cancellationReason: 'expired' })
    free(it.doc.slotId, 'expired', because)
  }
}
setInterval(tick, 1000).unref()

/** Whether a message is news: neither heard before nor older than what was heard of the same thing. */
function isNews(message, eventId, sequence) {
  if (heard.has(eventId) || sequence < heard.get(message.id)) return false
  heard.set(eventId, true).set(message.id, sequence)
  return true
}

/** The payer's answer; gives the reason if it cannot be processed. */
function eligibilityAnswered(answer, eventId, sequence, cause) {
  if (!eventId || wrong(ANSWER, answer, '', true).length) return 'invalid'
  if (answer.to === 'complete' && !answer.result) return 'invalid'
  if (!isNews(answer, eventId, sequence)) return null
  const it = things.Appointment.get(answer.appointmentId)
  const ours = it?.doc.patientId === settled(answer.patientId) && it.doc.slotId === answer.slotId
  const waits = answer.to === 'complete' && it?.doc.status === 'pending' && ours
  const pendingReason = answer.result === 'unknown' ? UNKNOWN : 'not-eligible'
  if (waits && answer.result === 'eligible') move(it, 'booked', 'eligible', cause, SETTLED)
  else if (waits) move(it, 'pending', pendingReason, cause, unanswered(pendingReason))
  return null
}

const settled = (patient) => (merged.has(patient) ? settled(merged.get(patient)) : patient)

/** What a merged patient has here is the surviving one's, without an event of ours. */
function patientChanged(change, eventId, sequence) {
  if (!eventId || wrong(PATIENT, change, '', true).length) return 'invalid'
  if (change.to === 'merged' && !change.replacedBy) return 'invalid'
  if (!isNews(change, eventId, sequence) || change.to !== 'merged') return null
  const { id, replacedBy } = change
  if (settled(replacedBy) !== id) merged.set(id, replacedBy)
  for (const [type, name] of [['Appointment', 'patientId'], ['Slot', 'heldFor']]) {
    for (const it of things[type].values()) {
      if (it.doc[name] !== id) continue
      it.doc = { ...it.doc, [name]: replacedBy }
      it.version++
    }
  }
  return null
}

/** Of a provider who has left nothing can be had any more; what was to come has to be booked anew. */
function providerChanged(change, eventId, sequence, cause) {
  if (!eventId || wrong(PROVIDER, change, '', true).length) return 'invalid'
  if (!isNews(change, eventId, sequence) || change.to !== 'inactive') return null
  const theirs = (type, statuses) => [...things[type].values()].filter(({ doc }) =>
    doc.providerId === change.id && statuses.includes(doc.status) && !(doc.start && instant(doc.start) < now()))
  for (const it of theirs('Slot', ['free', 'busy-tentative', 'busy'])) {
    move(it, 'busy-unavailable', 'provider-left', cause, UNHELD)
  }
  for (const it of theirs('Appointment', ['pending', 'booked'])) {
    const gone = { slotId: undefined, start: undefined, end: undefined, ...SETTLED }
    move(it, 'proposed', 'provider-left', cause, { ...gone, previousSlotId: it.doc.slotId })
  }
  return null
}

/** Whose grant has ended is refused (http.mjs), until another holds. */
function grantChanged(change, eventId, sequence) {
  if (!eventId || wrong(GRANT, change, '', true).length) return 'invalid'
  const tells = ['active', 'inactive'].includes(change.to)
  if (!isNews(change, eventId, sequence) || !tells) return null
  const patient = settled(change.patientId), holds = change.to === 'active'
  grants.set(change.id, { proxy: settled(change.proxyId), patient, holds })
  return null
}

/** Nobody has told us where export-audit is: it names us as missing from whatever copy asks for our part. */
function exportChanged(change, eventId) {
  return eventId && !wrong(EXPORT, change, '', true).length ? null : 'invalid'
}

export const received = {
  'portal.export-audit.export.v1': exportChanged,
  'portal.proxy-consent.grant.v1': grantChanged,
  'portal.provider-directory.provider.v1': providerChanged,
  'portal.coverage.eligibility.v1': eligibilityAnswered,
  'portal.patient-profile.patient.v1': patientChanged,
}

const PURPOSES = { patient: 'PATRQT', proxy: 'FAMRQT', clinician: 'TREAT' }

/** Tells the access log who asked for what of whose. Whoever was refused may have named no patient at all. */
export function accessed(operation, { method, claims }, patientId, outcome, cause) {
  if (!ids.patientId(patientId)) return
  const { sub: agentId, actor } = claims
  const action = { GET: 'R' }[method] ?? (operation === 'bookAppointment' ? 'C' : 'E')
  const told = { id: newId('acc'), service: 'scheduling', operation, action, agentId, actor, patientId, outcome }
  const purpose = PURPOSES[actor] ?? 'HOPERAT', occurredAt = now().toISOString()
  const access = { ...told, purpose, breakGlass: false, occurredAt, confidentiality: 'N' }
  publish('portal.export-audit.AccessHappened', 'portal.export-audit.access.v1', access, cause)
}

// What requests name, and whether it may be had.

const refuse = (status, detail) => { throw new Problem(status, detail) }
const shown = (it, status = 200, more) => ({ status, body: it.doc, headers: { ETag: `"${it.version}"`, ...more } })
const slotOf = ({ path }) => things.Slot.get(path.slotId) ?? refuse(404, 'There is no such resource.')
const isHeld = ({ doc }, patient) => doc.status === 'busy-tentative' && doc.heldFor === patient

function heldSlot({ body }, patient) {
  const slot = things.Slot.get(body.slotId) ?? refuse(422, 'slotId names no slot.')
  return isHeld(slot, patient) ? slot : refuse(409, 'The slot is not held for this patient.')
}

function appointmentOf({ path, claims, access }) {
  const it = things.Appointment.get(path.appointmentId)
  const visible = it && (may(access, claims, it.doc.patientId) || fault === 'leak')
  if (!visible) throw denied(404, 'There is no such resource.', it?.doc.patientId)
  return it
}

function changeable(asked, statuses) {
  const it = appointmentOf(asked), version = asked.headers['if-match']
  if (!version) refuse(428, 'Send the ETag as If-Match.')
  if (version !== '*' && version !== `"${it.version}"`) refuse(412, 'It has changed since. Read it again.')
  return statuses.includes(it.doc.status) ? it : refuse(409, 'Its status does not allow this.')
}

/** One page of a list; the cursor is the place of its last item, signed together with what was asked for. */
function page({ path, query: { limit = 20, cursor = '', ...filters } }, list, place) {
  const sign = (end) => createHmac('sha256', secret).update(JSON.stringify([path, filters, end])).digest()
  const given = Buffer.from(cursor, 'base64url'), after = given.subarray(32).toString()
  if (cursor && !sign(after).equals(given.subarray(0, 32))) refuse(422, 'This cursor is not of this list.')
  const rest = list.sort((one, other) => (place(one) < place(other) ? -1 : 1)).filter((it) => place(it) > after)
  const items = rest.slice(0, limit), end = items.length < rest.length && place(items.at(-1))
  const next = end ? Buffer.concat([sign(end), Buffer.from(end)]).toString('base64url') : undefined
  return { status: 200, body: { items: items.map((it) => it.doc), total: list.length, next } }
}

/** A slot as the caller may see it: for whom it is held is shown to who may act for that patient. */
const discreet = (it, claims) => (may(OWN, claims, it.doc.heldFor) ? it : { ...it, doc: { ...it.doc, ...UNHELD } })

// What can be asked for: a function an operation.

const instant = (text) => Date.parse(text.toUpperCase())

function searchSlots(asked) {
  const { startFrom, startBefore, limit, cursor, ...equal } = asked.query
  const same = Object.keys(equal).filter((name) => `${name}?` in SEARCH)
  const fits = ({ doc }) => same.every((name) => doc[name] === equal[name])
    && !(startFrom && instant(doc.start) < instant(startFrom))
    && !(startBefore && instant(doc.start) >= instant(startBefore))
  const found = [...things.Slot.values()].filter(fits).map((it) => discreet(it, asked.claims))
  return page(asked, found, ({ doc }) => new Date(instant(doc.start)).toISOString() + doc.id)
}

const getSlot = (asked) => shown(discreet(slotOf(asked), asked.claims))

function holdSlot(asked) {
  const slot = slotOf(asked), heldUntil = new Date(+now() + HOLD).toISOString()
  if (slot.doc.status !== 'free') refuse(409, 'It is not free.')
  move(slot, 'busy-tentative', 'held', asked.cause, { heldFor: asked.body.patientId, heldUntil })
  return shown(slot)
}

function releaseSlot(asked) {
  const slot = slotOf(asked)
  if (!isHeld(slot, asked.body.patientId)) refuse(409, 'It is not held for this patient.')
  move(slot, 'free', 'released', asked.cause, UNHELD)
  return shown(slot)
}

function placeOf({ doc: { id, providerId, locationId, specialty, start, end } }) {
  return { slotId: id, providerId, locationId, specialty, start, end }
}

function bookAppointment(asked) {
  const { body, claims, cause, headers } = asked
  const key = `${claims.sub} ${headers['idempotency-key']}`, sent = JSON.stringify(body, Object.keys(body).sort())
  const before = booked.get(key)
  if (before && before.sent !== sent) refuse(422, 'This Idempotency-Key was used with another body.')
  if (before) return before.answer
  const slot = heldSlot(asked, body.patientId)
  move(slot, 'busy', 'booked', cause, UNHELD)
  const confidentiality = slot.doc.specialty === 'psychiatry' ? 'R' : 'N'
  const known = { ...body, ...placeOf(slot), ...AGAIN, createdAt: now().toISOString(), confidentiality }
  const it = put('Appointment', { id: newId('apt'), status: 'pending', ...known }, cause.correlation)
  tell(it, undefined, 'requested', cause)
  const answer = shown(it, 201, { Location: `/v1/appointments/${it.doc.id}` })
  booked.set(key, { sent, answer })
  return answer
}

function listAppointments(asked) {
  const { status, specialty } = asked.query
  const fits = ({ doc }) => doc.patientId === asked.path.patientId
    && (!status || doc.status === status) && (!specialty || doc.specialty === specialty)
  return page(asked, [...things.Appointment.values()].filter(fits), ({ doc }) => doc.createdAt + doc.id)
}

const getAppointment = (asked) => shown(appointmentOf(asked))

function rescheduleAppointment(asked) {
  const it = changeable(asked, ['proposed', 'pending', 'booked']), slot = heldSlot(asked, it.doc.patientId)
  const previousSlotId = it.doc.slotId
  move(slot, 'busy', 'rescheduled', asked.cause, UNHELD)
  free(previousSlotId, 'rescheduled', asked.cause)
  move(it, 'pending', 'rescheduled', asked.cause, { ...placeOf(slot), previousSlotId, ...AGAIN })
  return shown(it)
}

function cancelAppointment(asked) {
  const it = changeable(asked, ['proposed', 'pending', 'booked'])
  move(it, 'cancelled', 'cancelled', asked.cause, { ...SETTLED, ...asked.body })
  free(it.doc.slotId, 'cancelled', asked.cause)
  return shown(it)
}

const turns = (statuses, to, reason) => (asked) => {
  const it = changeable(asked, statuses)
  move(it, to, reason, asked.cause)
  return shown(it)
}

// Who may ask for it: contracts/scheduling/openapi.yaml in short.

const ANYBODY = { patient: 'any', proxy: 'any', clinician: 'any', staff: 'any' }
const OWN = { patient: 'own', proxy: 'granted', staff: 'any' }, CARE = { clinician: 'treating', staff: 'any' }
const { slotId, patientId, appointmentId } = ids, one = '/v1/appointments/{appointmentId}'
const search = { scope: 'patient/Slot.read', access: ANYBODY }
const hold = { scope: 'patient/Slot.write', access: OWN, params: { slotId }, body: HOLDING }
const look = { scope: 'patient/Appointment.read', access: { ...OWN, ...CARE } }
const book = { scope: 'patient/Appointment.write', access: OWN }
const change = { ...book, params: { appointmentId }, headers: VERSION }
const care = { ...change, access: CARE, scope: 'user/Appointment.write' }
const checkIn = turns(['booked', 'arrived'], 'checked-in', 'checked-in')
const markNoShow = turns(['booked'], 'noshow', 'missed')
const fulfil = turns(['checked-in'], 'fulfilled', 'fulfilled')

export const operations = {
  'GET /v1/slots': { ...search, query: { ...SEARCH, ...PAGE }, run: searchSlots },
  'GET /v1/slots/{slotId}': { ...search, params: { slotId }, run: getSlot },
  'POST /v1/slots/{slotId}/hold': { ...hold, id: 'holdSlot', run: holdSlot },
  'POST /v1/slots/{slotId}/release': { ...hold, id: 'releaseSlot', run: releaseSlot },
  'POST /v1/appointments': { ...book, headers: KEY, body: BOOKING, id: 'bookAppointment', run: bookAppointment },
  'GET /v1/patients/{patientId}/appointments': {
    ...look, params: { patientId }, query: { ...STATUSES, ...PAGE }, id: 'listAppointments', run: listAppointments,
  },
  [`GET ${one}`]: { ...look, params: { appointmentId }, id: 'getAppointment', run: getAppointment },
  [`POST ${one}/reschedule`]: { ...change, body: MOVING, id: 'rescheduleAppointment', run: rescheduleAppointment },
  [`POST ${one}/cancel`]: { ...change, body: CANCELLING, id: 'cancelAppointment', run: cancelAppointment },
  [`POST ${one}/check-in`]: { ...change, id: 'checkIn', run: checkIn },
  [`POST ${one}/no-show`]: { ...care, id: 'markNoShow', run: markNoShow },
  [`POST ${one}/fulfil`]: { ...care, id: 'fulfilAppointment', run: fulfil },
}
