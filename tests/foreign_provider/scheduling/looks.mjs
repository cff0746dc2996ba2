// What requests and messages look like: {name: test}, and `name?` may be missing.

const match = (pattern) => (value) => typeof value === 'string' && pattern.test(value)
const id = (prefix) => match(new RegExp(`^${prefix}-[0-9a-z]{8,26}$`))
const oneOf = (text) => (value) => text.split(' ').includes(value)
const words = (value) => typeof value === 'string' && value !== '' && [...value].length <= 500
const ZONED = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i

function time(value) {
  const day = typeof value === 'string' && value.length <= 40 && ZONED.exec(value)?.[1]
  return Boolean(day) && new Date(day).getUTCDate() === Number(day.slice(8)) // no 30th of February
}

const slotStatus = oneOf('busy free busy-unavailable busy-tentative entered-in-error')
const status = oneOf(
  'proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist',
)
const specialty = oneOf('cardiology dermatology pediatrics primary-care psychiatry')
const outcome = oneOf('queued complete error partial')
const result = { 'result?': oneOf('eligible not-eligible unknown') }
const why = { 'resultReason?': oneOf('no-active-coverage coverage-ended coverage-not-begun payer-unreachable') }

export const ids = { slotId: id('slt'), appointmentId: id('apt'), patientId: id('pat') }
export const KEY = { 'Idempotency-Key': match(/^[A-Za-z0-9._:-]{8,128}$/) }
export const VERSION = { 'If-Match?': match(/^("[0-9]{1,18}"|\*)$/) }
export const PAGE = { 'limit?': match(/^([1-9]\d?|100)$/), 'cursor?': match(/^[A-Za-z0-9_-]{1,512}$/) }
export const STATUSES = { 'status?': status, 'specialty?': specialty }
export const SEARCH = {
  'status?': slotStatus, 'specialty?': specialty, 'providerId?': id('prv'), 'locationId?': id('loc'),
  'startFrom?': time, 'startBefore?': time,
}
export const HOLDING = { patientId: ids.patientId }
export const MOVING = { slotId: ids.slotId }
export const BOOKING = { ...HOLDING, ...MOVING, 'reason?': words }
export const CANCELLING = {
  cancellationReason: oneOf('pat pat-cpp pat-fb pat-lt pat-mv prov prov-pers maint other expired'),
}
const version = (value) => Number.isInteger(value) && value > 0
const patientStatus = oneOf('active inactive merged')
export const PATIENT = { // of patient-profile, on portal.patient-profile.patient.v1
  id: ids.patientId, version, from: patientStatus, to: patientStatus, reason: oneOf('updated merged absorbed'),
  occurredAt: time, confidentiality: oneOf('U L M N R V'), 'replacedBy?': ids.patientId,
}
const providerStatus = oneOf('active inactive')
export const PROVIDER = { // of provider-directory, on portal.provider-directory.provider.v1
  id: id('prv'), version, from: providerStatus, to: providerStatus, reason: oneOf('updated deactivated'),
  occurredAt: time, confidentiality: oneOf('U L M N R V'), specialty,
  acceptingPatients: (value) => typeof value === 'boolean',
  locationIds: (value) => Array.isArray(value) && value.every(id('loc')),
}
const listOf = (test) => (value) => Array.isArray(value) && value.every(test)
const consentState = oneOf('draft proposed active rejected inactive entered-in-error')
export const GRANT = { // of proxy-consent, on portal.proxy-consent.grant.v1
  id: id('prx'), version, 'from?': (value) => value === null || consentState(value), to: consentState,
  reason: oneOf('requested approved patient-request proxy-request safety error ended'),
  occurredAt: time, confidentiality: oneOf('U L M N R V'), patientId: ids.patientId, proxyId: id('(rel|pat)'),
  level: oneOf('child teenager adult'), scopes: listOf(match(/^patient\/[A-Z][A-Za-z]{2,39}\.(read|write)$/)),
  'sensitive?': listOf(oneOf('substance-use hiv psychiatric reproductive')),
}
const exportStatus = oneOf('accepted in-progress completed failed expired cancelled')
export const EXPORT = { // of export-audit, on portal.export-audit.export.v1
  id: id('exp'), version, 'from?': exportStatus, to: exportStatus,
  reason: oneOf('requested part-received completed completed-in-part nothing-delivered expired cancelled access-ended'),
  occurredAt: time, confidentiality: oneOf('U L M N R V'), patientId: ids.patientId, sources: listOf(oneOf(
    'patient-profile proxy-consent scheduling encounters-records medications orders-results messaging ' +
    'notifications coverage billing',
  )),
}
export const ANSWER = { // of coverage, on portal.coverage.eligibility.v1
  id: id('elg'), version, patientId: ids.patientId,
  to: outcome, 'from?': (value) => value === null || outcome(value), 'reason?': oneOf('requested answered'),
  occurredAt: time, confidentiality: oneOf('U L M N R V'), 'appointmentId?': ids.appointmentId,
  'slotId?': ids.slotId, ...result, ...why,
}
