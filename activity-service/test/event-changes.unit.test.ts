import { maxChanges, maxChangeText } from '@clientele/contracts/activity'
import { eventAbout } from '../src/timeline/event-about.ts'
import { eventChanges } from '../src/timeline/event-changes.ts'

it('shows the changed fields with their former values and those of the data', () => {
  const data = {
    name: 'Ana',
    phone: null,
    changed: ['name', 'phone'],
    previous: { name: null, phone: '+254711000111' },
  }
  expect(eventChanges(data)).toEqual([
    { field: 'name', from: null, to: 'Ana' },
    { field: 'phone', from: '+254711000111', to: null },
  ])
})

it('shows what changed within an object, also if it was not there before', () => {
  const changed = ['address', 'metadata']
  const previous = { address: null, metadata: { source: 'fair', size: 7 } }
  expect(
    eventChanges({ address: { city: 'Nairobi' }, metadata: { source: 'web', size: 7, vip: true }, changed, previous }),
  ).toEqual([
    { field: 'address.city', from: null, to: 'Nairobi' },
    { field: 'metadata.source', from: 'fair', to: 'web' },
    { field: 'metadata.vip', from: null, to: true },
  ])
})

it('shows null for what the event does not have', () => {
  expect(eventChanges({ note: null, changed: ['note', 'lines'], previous: {} })).toEqual([
    { field: 'note', from: null, to: null },
    { field: 'lines', from: null, to: null },
  ])
})

it('cuts long texts, lists and many changes', () => {
  const previous = { note: `${'a'.repeat(maxChangeText - 2)}😀b`, tags: Array.from({ length: 60 }, String), size: 7 }
  const [note, tags] = eventChanges({
    note: 'b'.repeat(maxChangeText),
    tags: [{ a: 1 }],
    changed: ['note', 'tags'],
    previous,
  })
  expect(note?.from).toBe(`${'a'.repeat(maxChangeText - 2)}…`)
  expect(note?.to).toBe('b'.repeat(maxChangeText))
  expect(tags?.from).toHaveLength(maxChanges)
  expect(tags?.to).toEqual(['{"a":1}'])
  const metadata = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`key ${index}`, index]))
  expect(eventChanges({ metadata, changed: ['metadata'], previous: { metadata: {} } })).toHaveLength(maxChanges)
})

it.each([[{ changed: 'name', previous: 7 }], [{ changed: [7], previous: { name: 'Ana' } }], [{}]])(
  'shows nothing for %j',
  (data) => {
    expect(eventChanges(data)).toEqual([])
  },
)

it.each([
  ['customer.created.v1', { code: 'CUS-000001', name: null, surname: '' }, { label: 'CUS-000001', code: 'CUS-000001' }],
  ['customer.created.v1', {}, { label: null }],
  [
    'product.stock_changed.v1',
    { name: 'Tea', sku: 'T-1', stock: 5, movement: { delta: -2 } },
    { label: 'Tea', sku: 'T-1', stock: 5, delta: -2 },
  ],
  ['product.updated.v1', { name: 'Tea', sku: null, stock: 5 }, { label: 'Tea' }],
  ['user.role_granted.v1', { displayName: 'Ben', role: 'admin' }, { label: 'Ben', role: 'admin' }],
  ['media.rejected.v1', { reason: 'undecodable' }, { label: null, reason: 'undecodable' }],
  ['import.finished.v1', { entity: 'customers', status: 'failed' }, { label: 'customers', status: 'failed' }],
  ['robot.walked.v1', { name: 'R2' }, { label: null }],
  ['constructor.called.v1', {}, { label: null }],
])('says what %s is about', (type, data, about) => {
  expect(eventAbout(type, 's', data)).toEqual({ kind: type.split('.')[0], id: 's', ...about })
})
