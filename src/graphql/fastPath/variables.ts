import {
  type FieldNode,
  Kind,
  type TypeNode,
  type ValueNode,
  valueFromASTUntyped,
  type VariableDefinitionNode,
} from 'graphql';

/** The variables of a request, as the client sent them. */
export type Variables = Readonly<Record<string, unknown>>;

/** The values of declared variables, defaults included. */
export type Values = ReadonlyMap<string, unknown>;

/**
 * Checks the variables of a request.
 *
 * @returns null if graphql-js has to coerce or reject one of them.
 */
export type VariableCheck = (variables: Variables) => Values | null;

/**
 * Compiles the declarations of variables.
 *
 * @returns null if a variable has a type that routers do not use.
 */
export function compileVariables(definitions: readonly VariableDefinitionNode[]): VariableCheck | null {
  const checks: { name: string; isRequired: boolean; fits: (value: unknown) => boolean; byDefault: unknown }[] = [];
  for (const { variable, type, defaultValue, directives = [] } of definitions) {
    const fits = checkOf(type);
    const byDefault = defaultValue === undefined ? undefined : literalOf(defaultValue);
    if (fits === null || directives.length > 0 || byDefault === NOT_A_LITERAL) return null;
    checks.push({ name: variable.name.value, isRequired: type.kind === Kind.NON_NULL_TYPE, fits, byDefault });
  }
  return (variables) => {
    const values = new Map<string, unknown>();
    for (const { name, isRequired, fits, byDefault } of checks) {
      const value = Object.hasOwn(variables, name) ? variables[name] : byDefault;
      if (value === undefined || value === null) {
        if (isRequired) return null;
        if (value === null) values.set(name, null);
      } else if (fits(value)) values.set(name, value);
      else return null;
    }
    return values;
  };
}

/** Returns the value of an argument for the variables of a request; undefined if it is not given. */
export type Argument = (values: Values) => unknown;

/** Compiles an argument. @returns null if it contains a variable inside a literal. */
export function compileArgument({ arguments: args = [] }: FieldNode, argument: string): Argument | null {
  const value = args.find(({ name }) => name.value === argument)?.value;
  if (value === undefined) return () => undefined;
  if (value.kind === Kind.VARIABLE) {
    const name = value.name.value;
    return (values) => values.get(name);
  }
  const literal = literalOf(value);
  return literal === NOT_A_LITERAL ? null : () => literal;
}

const NOT_A_LITERAL = Symbol('a literal with a variable inside, or of a kind that routers do not send');

/** Returns the value of a literal. The integer is that of an `ID`, which is a string. */
function literalOf(value: ValueNode): unknown {
  switch (value.kind) {
    case Kind.STRING:
    case Kind.INT:
      return value.value;
    case Kind.BOOLEAN:
      return value.value;
    case Kind.NULL:
      return null;
    case Kind.OBJECT:
      return hasVariable(value) ? NOT_A_LITERAL : [valueFromASTUntyped(value)];
    case Kind.LIST:
      return hasVariable(value) ? NOT_A_LITERAL : valueFromASTUntyped(value);
    default:
      return NOT_A_LITERAL;
  }
}

function hasVariable(value: ValueNode): boolean {
  if (value.kind === Kind.LIST) return value.values.some(hasVariable);
  if (value.kind === Kind.OBJECT) return value.fields.some((field) => hasVariable(field.value));
  return value.kind === Kind.VARIABLE;
}

const isString = (value: unknown): boolean => typeof value === 'string';
const SCALARS: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['ID', isString],
  ['String', isString],
  ['Boolean', (value: unknown) => typeof value === 'boolean'],
]);

/** Returns the check whether a value that is not null needs no coercion, or null for other types. */
function checkOf(type: TypeNode): ((value: unknown) => boolean) | null {
  if (type.kind === Kind.NON_NULL_TYPE) return checkOf(type.type);
  if (type.kind === Kind.NAMED_TYPE) return SCALARS.get(type.name.value) ?? null;
  const { type: item } = type;
  if (item.kind !== Kind.NON_NULL_TYPE || item.type.kind !== Kind.NAMED_TYPE) return null;
  const fits = item.type.name.value === '_Any' ? isPresent : SCALARS.get(item.type.name.value);
  if (fits === undefined) return null;
  // graphql-js makes a list of a single item, and rejects null.
  return (value) => Array.isArray(value) && value.every(fits);
}

const isPresent = (value: unknown): boolean => value !== null;
