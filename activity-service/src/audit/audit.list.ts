import { checkText, type Filter, FilterError, requiresField } from '@clientele/platform/lists/filters'
import { list, time, userId } from '@clientele/platform/lists/list'
import { anyEventType, eventType } from '../access/type-filter.ts'
import { type RecordedEventRow, recordedEventColumns } from '../timeline/recorded-event.presenter.ts'

const maxSubjectLength = 255

const subject: Filter = {
  operators: ['eq'],
  description: 'The id of the record that events are about',
  value: { type: 'string', minLength: 1, maxLength: maxSubjectLength },
  parse: (_operator, value) => {
    const id = checkText(value, maxSubjectLength)
    if (id === '') throw new FilterError('must not be empty')
    return (bind) => `ref = ${bind(id)}::text and is_subject`
  },
}

const auditOf = (table: 'events' | 'record_events', type: Filter) =>
  list<RecordedEventRow>({
    table,
    columns: recordedEventColumns,
    id: 'seq',
    sort: ['seq', 'at'],
    defaultSort: '-seq',
    filter: { actor: userId({ column: 'actor_id' }), subject, type, at: time() },
  })

const allEvents = auditOf('events', anyEventType)
const eventsOfRecords = auditOf('record_events', eventType)

export const auditQuery = allEvents.query

/** The list that serves a query, and the query. Events of a time are read in the order of their time, which has an index. */
export const auditListFor = (query: Record<string, unknown>) => ({
  list: query['subject'] === undefined ? allEvents : eventsOfRecords,
  query: query['sort'] === undefined && requiresField('at', query) ? { ...query, sort: '-at' } : query,
})
