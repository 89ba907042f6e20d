import {
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelAttributes,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `customer_editors`: somebody who made or changed a customer, and how often. */
export class CustomerEditorModel extends Model<
  InferAttributes<CustomerEditorModel>,
  InferCreationAttributes<CustomerEditorModel>
> {
  declare customerId: string
  declare userId: string
  declare userName: string
  declare firstAt: Date
  declare lastAt: Date
  declare edits: number
}
export type EditorRow = InferAttributes<CustomerEditorModel>
export type CustomerEditors = ModelStatic<CustomerEditorModel>

const { DATE, INTEGER, TEXT, UUID } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

const attributes: ModelAttributes<CustomerEditorModel, EditorRow> = {
  customerId: { type: UUID, primaryKey: true },
  userId: { type: TEXT, primaryKey: true },
  userName: required(TEXT),
  firstAt: required(DATE(3)),
  lastAt: required(DATE(3)),
  edits: required(INTEGER),
}

/** The columns that the list of a customer's editors shows. */
export const editorAttributes = Object.keys(attributes).filter((name) => name !== 'customerId')

/** The model on one connection pool. */
export const defineCustomerEditors = (sequelize: Sequelize): CustomerEditors => {
  class ConnectedEditor extends CustomerEditorModel {}
  return ConnectedEditor.init(
    { ...attributes },
    { sequelize, modelName: 'customerEditor', tableName: 'customer_editors' },
  )
}
