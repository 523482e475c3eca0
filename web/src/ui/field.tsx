/** Labelled fields of forms. Each shows its label, a hint, and what is wrong with it. */

import { useId } from "react";
import {
  Button,
  Checkbox as AriaCheckbox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Text,
  TextArea,
  TextField as AriaTextField,
} from "react-aria-components";
import { text } from "./texts";

type Common = { label: string; hint?: string; wrong?: string | undefined; required?: boolean; disabled?: boolean; name?: string };

export function TextField({
  label,
  hint,
  wrong,
  required,
  disabled,
  name,
  value,
  onChange,
  type,
  lines,
  autoComplete,
  autoFocus,
  maxLength,
}: Common & {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "password" | "email" | "tel" | "search";
  lines?: number;
  autoComplete?: string;
  autoFocus?: boolean;
  maxLength?: number;
}) {
  return (
    <AriaTextField
      className="field"
      value={value}
      onChange={onChange}
      isInvalid={wrong !== undefined}
      isRequired={required}
      isDisabled={disabled}
      name={name}
      type={type}
      autoComplete={autoComplete}
      autoFocus={autoFocus}
      maxLength={maxLength}
    >
      <Label>{label}</Label>
      {lines ? <TextArea className="input" rows={lines} /> : <Input className="input" />}
      {hint && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError>{wrong}</FieldError>
    </AriaTextField>
  );
}

/** A date or a number by the browser's own field, which people know from everywhere. */
export function NativeField({
  label,
  hint,
  wrong,
  required,
  disabled,
  name,
  value,
  onChange,
  type,
  min,
  max,
  step,
}: Common & {
  value: string;
  onChange: (value: string) => void;
  type: "date" | "number" | "time" | "datetime-local";
  min?: string | number;
  max?: string | number;
  step?: number;
}) {
  const id = useId();
  return (
    <div className="field" data-invalid={wrong ? "" : undefined}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        type={type}
        name={name}
        value={value}
        min={min}
        max={max}
        step={step}
        required={required}
        disabled={disabled}
        aria-invalid={wrong !== undefined}
        aria-describedby={hint || wrong ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {(wrong ?? hint) && (
        <span id={`${id}-hint`} className={wrong ? "wrong" : "hint"}>
          {wrong ?? hint}
        </span>
      )}
    </div>
  );
}

export type Option = { id: string; name: string };

/** One of a few. `value` "" = none chosen yet. */
export function Choice({
  label,
  hint,
  wrong,
  required,
  disabled,
  name,
  value,
  onChange,
  options,
}: Common & { value: string; onChange: (value: string) => void; options: readonly Option[] }) {
  return (
    <Select
      className="field"
      value={value || null}
      onChange={(key) => onChange(String(key ?? ""))}
      isInvalid={wrong !== undefined}
      isRequired={required}
      isDisabled={disabled}
      name={name}
      placeholder={text.choose}
    >
      <Label>{label}</Label>
      <Button>
        <SelectValue />
        <span aria-hidden="true">▾</span>
      </Button>
      {hint && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError>{wrong}</FieldError>
      <Popover className="popover">
        <ListBox items={options}>{(option) => <ListBoxItem className="option">{option.name}</ListBoxItem>}</ListBox>
      </Popover>
    </Select>
  );
}

export function Checkbox({ label, checked, onChange, disabled }: { label: string; checked: boolean; onChange: (checked: boolean) => void; disabled?: boolean }) {
  return (
    <AriaCheckbox className="checkbox" isSelected={checked} onChange={onChange} isDisabled={disabled}>
      {({ isSelected }) => (
        <>
          <span className="box" aria-hidden="true">
            {isSelected ? "✓" : ""}
          </span>
          {label}
        </>
      )}
    </AriaCheckbox>
  );
}
