import { documentedAs } from '@clientele/contracts/fields'
import { checkText } from '@clientele/platform/lists/filters'
import { parameter } from './parameter.ts'
import { eventType } from './type-filter.ts'
import { parseTypePatterns } from './type-pattern.ts'

const maxSubjectLength = 255

/** The query parameters by which the feed and the stream choose events. */
export const eventParameters = {
  type: parameter(parseTypePatterns)
    .optional()
    .meta({
      ...documentedAs({ type: 'array', items: eventType.value, minItems: 1 }),
      param: { description: `${eventType.description}.`, style: 'form', explode: false },
    }),
  subject: parameter((value) => checkText(value, maxSubjectLength))
    .optional()
    .meta({
      ...documentedAs({ type: 'string', maxLength: maxSubjectLength }),
      param: { description: 'The id of the record that events are about.' },
    }),
}
