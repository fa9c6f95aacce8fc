/** The door to JSON as bytes: read without making objects, written without making strings. */
export { JsonText, type JsonKind, type Place } from './reader';
export { JsonWriter } from './writer';
