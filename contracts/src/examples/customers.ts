import { actor, customerId, exampleLinks, exampleStamps, mediaId, signedLink } from './shared.ts'

const address = { street: '12 Analytical Row', city: 'Nairobi', postalCode: '00100', country: 'KE' }
const fields = {
  externalId: 'shop-17',
  name: 'Ana',
  surname: 'Lovelace',
  email: 'ana@example.com',
  phone: '+254711000111',
  tags: ['wholesale'],
  address,
  locale: 'en',
  smsOptOut: false,
  metadata: { floor: 3 },
}
const customer = {
  id: customerId,
  code: 'CUS-000123',
  ...fields,
  photoMediaId: mediaId,
  ...exampleLinks,
  userId: null,
  ...exampleStamps,
  deletedAt: null,
}

export const customerExamples = {
  NewCustomer: fields,
  NewCustomerForm: {
    name: 'Ana',
    surname: 'Lovelace',
    phone: '+254711000111',
    tags: ['wholesale'],
    address: JSON.stringify(address),
  },
  CustomerPatch: { phone: '+254711000222', tags: ['wholesale', 'vip'], address: { city: 'Mombasa' } },
  Customer: customer,
  CustomerPhoto: { mediaId },
  CustomerSummary: {
    total: 1_204,
    newToday: 3,
    newThisWeek: 17,
    newThisMonth: 61,
    withPhoto: 880,
    inTrash: 12,
    timeZone: 'Africa/Nairobi',
    countedAt: '2026-11-20T09:30:00.000Z',
  },
  TagCounts: { data: [{ tag: 'wholesale', customers: 212 }], total: 1, countedAt: '2026-11-20T09:30:00.000Z' },
  CustomerEditor: { user: actor, firstAt: exampleStamps.createdAt, lastAt: exampleStamps.updatedAt, edits: 2 },
  CustomerBatch: {
    items: [
      { op: 'create', data: { name: 'Bea', surname: 'Turing' } },
      { op: 'create', data: { name: 'Cleo', surname: 'Hopper', tags: ['wholesale'] } },
    ],
  },
  CustomerBatchResult: {
    results: [
      { index: 0, status: 201, id: customerId, customer },
      {
        index: 1,
        status: 422,
        problem: {
          type: '/problems/validation',
          title: 'Invalid fields',
          status: 422,
          code: 'validation',
          detail: '1 field is not valid',
          errors: [{ pointer: '/surname', code: 'required', message: 'is required' }],
        },
      },
    ],
    counts: { succeeded: 1, failed: 1 },
  },
  NewCustomerBulkChange: {
    op: 'tag',
    filter: { tag: 'wholesale', 'createdAt[lt]': '2026-01-01T00:00:00.000Z' },
    add: ['loyal'],
    expect: 212,
  },
  TagPatch: { name: 'loyal' },
  Media: {
    id: mediaId,
    mimeType: 'image/jpeg',
    bytes: 84_213,
    width: 1600,
    height: 1200,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    url: signedLink('original'),
    variants: { thumb: signedLink('thumb'), medium: signedLink('medium') },
    notes: [],
    createdAt: exampleStamps.createdAt,
    createdBy: actor,
    version: 1,
  },
}
