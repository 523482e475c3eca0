/** What opens over the page: a dialog, or a panel at its side. Escape, the curtain and the cross close both. */

import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Button } from "./button";
import { text } from "./texts";

export function Dialog({
  title,
  onClose,
  children,
  side = false,
  wide = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  side?: boolean;
  wide?: boolean;
}) {
  return (
    <ModalOverlay isOpen isDismissable onOpenChange={(open) => !open && onClose()} className={side ? "curtain side" : "curtain"}>
      <Modal className={wide ? "dialog wide" : "dialog"}>
        <AriaDialog>
          <header>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <Button kind="quiet" small aria-label={text.close} onPress={onClose}>
              <span aria-hidden="true">✕</span>
            </Button>
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
