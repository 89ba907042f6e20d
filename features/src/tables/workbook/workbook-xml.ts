// The parts of a workbook that are the same for every table.

export const xmlHead = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const relationships = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const packaged = 'http://schemas.openxmlformats.org/package/2006'
const mediaType = 'application/vnd.openxmlformats-officedocument.spreadsheetml'

/** The styles of cells, by their index in {@link styles}. */
export const cellStyles = { header: 1, text: 2 }
/** The styles of decimal numbers, by the number of their decimals. */
export const decimalStyles = [3, 4, 5, 6, 7]

const formats = ['0.0', '0.000', '0.0000']
  .map((code, index) => `<numFmt numFmtId="${164 + index}" formatCode="${code}"/>`)
  .join('')
// The formats of the styles: General, General in bold, text, and numbers with 0 to 4 decimals.
const formatIds = [0, 0, 49, 1, 164, 2, 165, 166]
const styleOf = (format: number, index: number): string =>
  `<xf numFmtId="${format}" fontId="${index === cellStyles.header ? 1 : 0}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>`

export const styles = `${xmlHead}<styleSheet xmlns="${main}"><numFmts count="3">${formats}</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="${formatIds.length}">${formatIds.map(styleOf).join('')}</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

// The number of sheets is not known yet when this is written, so a sheet is what a part is by default.
export const contentTypes = `${xmlHead}<Types xmlns="${packaged}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="${mediaType}.worksheet+xml"/><Override PartName="/xl/workbook.xml" ContentType="${mediaType}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${mediaType}.styles+xml"/></Types>`

export const packageRelationships = `${xmlHead}<Relationships xmlns="${packaged}/relationships"><Relationship Id="rId1" Type="${relationships}/officeDocument" Target="xl/workbook.xml"/></Relationships>`

// A name has up to 31 characters, without some, which leaves room for a number.
const sheetName = (name: string, number: number): string => {
  const clean = name.replace(/[[\]:*?/\\&<>"'\p{Cc}]/gu, ' ').slice(0, 25)
  return number === 1 ? clean : `${clean} ${number}`
}

/** The parts that list the sheets, as pairs of path and XML. */
export const workbookParts = (sheets: number, name = 'Sheet1'): [path: string, xml: string][] => {
  const numbers = Array.from({ length: sheets }, (_, index) => index + 1)
  const list = numbers.map(
    (number) => `<sheet name="${sheetName(name, number)}" sheetId="${number}" r:id="rId${number}"/>`,
  )
  const targets = numbers.map(
    (number) =>
      `<Relationship Id="rId${number}" Type="${relationships}/worksheet" Target="worksheets/sheet${number}.xml"/>`,
  )
  const stylesTarget = `<Relationship Id="rId${sheets + 1}" Type="${relationships}/styles" Target="styles.xml"/>`
  return [
    [
      'xl/workbook.xml',
      `${xmlHead}<workbook xmlns="${main}" xmlns:r="${relationships}"><sheets>${list.join('')}</sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `${xmlHead}<Relationships xmlns="${packaged}/relationships">${targets.join('')}${stylesTarget}</Relationships>`,
    ],
  ]
}
