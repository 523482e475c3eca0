/** Parts of one page, one shown at a time. */

import type { ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from "react-aria-components";

export type Part = { id: string; name: string; content: () => ReactNode };

export function Tabs({ label, parts, chosen, onChoose }: { label: string; parts: readonly Part[]; chosen?: string; onChoose?: (id: string) => void }) {
  return (
    <AriaTabs className="tabs" selectedKey={chosen} onSelectionChange={(key) => onChoose?.(String(key))}>
      <TabList aria-label={label}>
        {parts.map(({ id, name }) => (
          <Tab key={id} id={id} className="react-aria-Tab">
            {name}
          </Tab>
        ))}
      </TabList>
      {parts.map(({ id, content }) => (
        <TabPanel key={id} id={id}>
          {content()}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
