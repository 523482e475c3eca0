/** Fields for passwords: one that can be shown, and the pair in which a new one is chosen. */

import { useState } from "react";
import { Checkbox, TextField } from "../ui/field";
import { text } from "./texts";

const LEAST = 15;

export function PasswordField({ label, value, onChange, hint, wrong, autoComplete }: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  wrong?: string | undefined;
  autoComplete: "current-password" | "new-password";
}) {
  const [shown, setShown] = useState(false);
  return (
    <>
      <TextField
        label={label}
        value={value}
        onChange={onChange}
        type={shown ? "text" : "password"}
        autoComplete={autoComplete}
        maxLength={256}
        required
        wrong={wrong}
        {...(hint && { hint })}
      />
      <Checkbox label={text.show} checked={shown} onChange={setShown} />
    </>
  );
}

/** What is wrong with a chosen password and its repetition; the journal judges the rest (too common, too alike). */
export function wrongOf(password: string, again: string): { password?: string; again?: string } {
  const length = [...password].length;
  return {
    ...(length < LEAST && { password: text.passwordShort(LEAST - length) }),
    ...(password !== again && { again: text.passwordOther }),
  };
}

export function NewPassword({ password, again, onPassword, onAgain, tried }: {
  password: string;
  again: string;
  onPassword: (value: string) => void;
  onAgain: (value: string) => void;
  /** Whether to say what is wrong: from the first try on, not while he is still typing. */
  tried: boolean;
}) {
  const [shown, setShown] = useState(false);
  const wrong = tried ? wrongOf(password, again) : {};
  const type = shown ? "text" : "password";
  const common = { type, autoComplete: "new-password", maxLength: 256, required: true } as const;
  return (
    <>
      <TextField {...common} label={text.newPassword} hint={text.passwordHint} value={password} onChange={onPassword} wrong={wrong.password} />
      <TextField {...common} label={text.again} value={again} onChange={onAgain} wrong={wrong.again} />
      <Checkbox label={text.show} checked={shown} onChange={setShown} />
    </>
  );
}
