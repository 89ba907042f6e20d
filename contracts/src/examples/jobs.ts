import { actor } from './shared.ts'

const jobId = '0190a5c4-6f00-7000-8000-000000000050'
const importId = '0190a5c4-6f00-7000-8000-000000000060'
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'

export const jobExamples = {
  ImportForm: { format: 'csv', onMatch: 'update', file: 'name,surname,email\nAna,Lovelace,ana@example.com\n' },
  Import: {
    id: importId,
    status: 'checked',
    name: 'customers.csv',
    format: 'csv',
    delimiter: ',',
    encoding: 'utf-8',
    bytes: 48_213,
    sha256,
    columns: ['First name', 'Mail', 'Notes'],
    mapping: { 'First name': 'name', Mail: 'email' },
    unmapped: ['Notes'],
    matchBy: 'email',
    onMatch: 'update',
    total: 1_200,
    counts: { read: 1_200, created: 1_000, updated: 197, skipped: 0, failed: 3 },
    progress: 1,
    errors: [{ row: 17, pointer: '/email', code: 'invalid_format', message: 'Invalid email address' }],
    errorsUrl: `/v1/jobs/${jobId}/errors`,
    error: null,
    previousImportId: null,
    jobId,
    createdAt: '2026-11-20T09:30:00.000Z',
    createdBy: actor,
    finishedAt: null,
    expiresAt: '2026-11-27T09:30:00.000Z',
  },
  ImportPatch: { onMatch: 'skip' },
  ImportCommit: { onMatch: 'update' },
  NewCustomerExport: {
    format: 'csv',
    filter: { tag: 'wholesale', sort: ['-createdAt'] },
    fields: ['name', 'surname', 'email'],
  },
  NewProductExport: {
    format: 'csv',
    filter: { active: true, 'price[lte]': 10, sort: ['name'] },
    fields: ['sku', 'name', 'price', 'stock'],
  },
  NewOrderExport: { format: 'ndjson', filter: { status: ['placed'], 'placedAt[gte]': '2026-11-01T00:00:00.000Z' } },
  Job: {
    id: jobId,
    kind: 'export',
    status: 'succeeded',
    progress: 1,
    counts: { rows: 1_200 },
    error: null,
    result: { rows: 1_200, bytes: 84_213, sha256 },
    resultUrl: `/v1/jobs/${jobId}/result`,
    errorsUrl: null,
    createdAt: '2026-11-20T09:30:00.000Z',
    createdBy: actor,
    startedAt: '2026-11-20T09:30:01.000Z',
    finishedAt: '2026-11-20T09:30:04.000Z',
    expiresAt: '2026-11-27T09:30:04.000Z',
  },
  JobFileLink: {
    url: `/v1/jobs/${jobId}/result?link=kq8sZ2n0cGFfYxV3b1RtLw`,
    expiresAt: '2026-11-20T09:35:00.000Z',
  },
}
